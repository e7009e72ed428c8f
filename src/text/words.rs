//! The words of a long text, for a full-text index that knows ours alone.
//!
//! A server's index passes over short words and common English ones, cuts at signs, and
//! each server by rules and settings of its own: TV, 4K, C++ and the brand "The Who"
//! cannot be found. So the column that is indexed holds our words, each written so
//! that the server takes it for one long plain word.

use std::collections::BTreeSet;

use super::folded;

/// Before every written word, so that none is too short for an index or among a
/// server's stop words.
const MARK: &str = "qz";

/// The longest written word: InnoDB indexes none beyond 84 characters.
const LONGEST: usize = 80;

/// The words of a text, without what does not count in a search: runs of letters and
/// digits, with the signs that belong to them (`c++`, `c#`), and signs that stand for
/// a word of their own (🍎).
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let plain = folded(text);
    let mut words = Vec::new();
    let mut word = String::new();
    for sign in plain.chars() {
        let belongs = sign.is_alphanumeric() || (matches!(sign, '+' | '#') && !word.is_empty());
        if belongs {
            word.push(sign);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !sign.is_ascii() && !sign.is_whitespace() && !is_punctuation(sign) {
            words.push(sign.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Each different word of the texts, as the index takes it, in one text.
#[must_use]
pub fn written_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let all: BTreeSet<String> = texts.into_iter().flat_map(words).map(|word| written(&word)).collect();
    all.into_iter().collect::<Vec<_>>().join(" ")
}

/// What a full-text search in boolean mode asks for so that every one of `words` begins
/// a word of the text.
#[must_use]
pub fn searched_words(words: &[String]) -> String {
    let required: Vec<String> = words.iter().map(|word| format!("+{}*", written(word))).collect();
    required.join(" ")
}

/// Latin letters and digits as they are, anything else by its number between
/// underscores, which the servers take for letters.
fn written(word: &str) -> String {
    let mut text = MARK.to_owned();
    for sign in word.chars() {
        let code = match sign {
            'a'..='z' | '0'..='9' => sign.to_string(),
            other => format!("_{:x}_", u32::from(other)),
        };
        if text.len() + code.len() > LONGEST {
            break;
        }
        text.push_str(&code);
    }
    text
}

fn is_punctuation(sign: char) -> bool {
    use icu_properties::CodePointMapData;
    use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
    GeneralCategoryGroup::Punctuation.contains(CodePointMapData::<GeneralCategory>::new().get(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_common_words_and_signs_are_words() {
        for (text, expected) in [
            ("TV 4K 55\"", &["tv", "4k", "55"][..]),
            ("C++ e C#", &["c++", "e", "c#"]),
            ("Wi-Fi nº 7", &["wi", "fi", "no", "7"]),
            ("The Who", &["the", "who"]),
            ("Maçã 🍎!", &["maca", "🍎"]),
            ("R$ 1.299,90", &["r", "1", "299", "90"]),
            ("xi\u{301}cara “d’água”", &["xicara", "d", "agua"]),
            ("+ # -- ¿?", &[]),
            ("", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn the_index_takes_each_for_one_plain_word() {
        assert_eq!(written_words(["TV c++", "tv 7 я"]), "qz7 qz_44f_ qzc_2b__2b_ qztv");
        assert_eq!(searched_words(&words("c++ tv")), "+qzc_2b__2b_* +qztv*");
        let long = written_words([&*"я".repeat(100)]);
        assert!(long.len() <= LONGEST && long.ends_with('_'), "{long}");
    }
}
