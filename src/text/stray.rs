//! Characters that nobody typed on purpose and nobody sees: they come from pages and
//! documents, make two names out of one, and turn the direction of what follows.

use icu_properties::CodePointSetData;
use icu_properties::props::{
    BidiControl, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic,
};
use unicode_normalization::char::canonical_combining_class;

/// A character that cannot be seen, or that turns the direction of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray(pub char);

impl Stray {
    /// What it is called, where it has a name that people have heard.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            '\u{ad}' => "SOFT HYPHEN",
            '\u{34f}' => "COMBINING GRAPHEME JOINER",
            '\u{61c}' => "ARABIC LETTER MARK",
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => "HANGUL FILLER",
            '\u{180e}' => "MONGOLIAN VOWEL SEPARATOR",
            '\u{200b}' => "ZERO WIDTH SPACE",
            '\u{200c}' => "ZERO WIDTH NON-JOINER",
            '\u{200d}' => "ZERO WIDTH JOINER",
            '\u{200e}' => "LEFT-TO-RIGHT MARK",
            '\u{200f}' => "RIGHT-TO-LEFT MARK",
            '\u{2028}' => "LINE SEPARATOR",
            '\u{2029}' => "PARAGRAPH SEPARATOR",
            '\u{202a}' => "LEFT-TO-RIGHT EMBEDDING",
            '\u{202b}' => "RIGHT-TO-LEFT EMBEDDING",
            '\u{202c}' => "POP DIRECTIONAL FORMATTING",
            '\u{202d}' => "LEFT-TO-RIGHT OVERRIDE",
            '\u{202e}' => "RIGHT-TO-LEFT OVERRIDE",
            '\u{2060}' => "WORD JOINER",
            '\u{2066}' => "LEFT-TO-RIGHT ISOLATE",
            '\u{2067}' => "RIGHT-TO-LEFT ISOLATE",
            '\u{2068}' => "FIRST STRONG ISOLATE",
            '\u{2069}' => "POP DIRECTIONAL ISOLATE",
            '\u{2800}' => "BRAILLE PATTERN BLANK",
            '\u{feff}' => "ZERO WIDTH NO-BREAK SPACE",
            '\u{fff9}'..='\u{fffb}' => "INTERLINEAR ANNOTATION",
            '\u{fffd}' => "REPLACEMENT CHARACTER",
            _ => return None,
        })
    }
}

impl Stray {
    /// Whether something is seen of it, which says nothing.
    #[must_use]
    pub fn is_seen(self) -> bool {
        is_no_text(self.0)
    }
}

impl std::fmt::Display for Stray {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "U+{:04X}", u32::from(self.0))?;
        self.name().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

/// The first stray character of a text: what is hidden, and what is no text. Within an emoji, a joiner and a selector are
/// part of the picture and no strays.
#[must_use]
pub fn stray(text: &str) -> Option<Stray> {
    if text.is_ascii() {
        return None;
    }
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(this) = rest.next() {
        let after = rest.peek().copied();
        if is_no_text(this)
            || is_hidden(this) && !is_part_of_emoji(before, this, after) && !joins(before, this, after)
        {
            return Some(Stray(this));
        }
        // A selector or a tone belongs to the picture before it.
        if !is_selector(this) && !CodePointSetData::new::<EmojiModifier>().contains(this) {
            before = Some(this);
        }
    }
    None
}

fn is_hidden(this: char) -> bool {
    // The annotations and the blank braille pattern have no property that says so.
    matches!(this, '\u{2028}' | '\u{2029}' | '\u{2800}' | '\u{fff9}'..='\u{fffb}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(this)
        || CodePointSetData::new::<BidiControl>().contains(this)
}

/// What means nothing, or something else to each: no characters, those that nobody has
/// given a meaning that all share, and what stands for a letter that was lost.
fn is_no_text(this: char) -> bool {
    let number = u32::from(this);
    number & 0xfffe == 0xfffe
        || matches!(this, '\u{fdd0}'..='\u{fdef}' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}')
        || number >= 0xf_0000
}

/// A joiner, or a non-joiner, that changes how the letters beside it are written: after a
/// virama, and between letters that are joined by themselves (RFC 5892, appendix A).
fn joins(before: Option<char>, this: char, after: Option<char>) -> bool {
    let is_joined = |side: char| {
        side.is_alphabetic()
            && matches!(side, '\u{620}'..='\u{7ff}' | '\u{840}'..='\u{8ff}' | '\u{1820}'..='\u{18aa}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
    };
    let (Some(before), Some(after)) = (before, after) else { return false };
    matches!(this, '\u{200c}' | '\u{200d}')
        && (canonical_combining_class(before) == VIRAMA || is_joined(before) && is_joined(after))
}

const VIRAMA: u8 = 9;

const fn is_selector(this: char) -> bool {
    matches!(this, '\u{fe0e}' | '\u{fe0f}')
}

fn is_part_of_emoji(before: Option<char>, this: char, after: Option<char>) -> bool {
    let pictures = CodePointSetData::new::<ExtendedPictographic>();
    let is_picture = |side: Option<char>| side.is_some_and(|side| pictures.contains(side));
    match this {
        '\u{fe0e}' | '\u{fe0f}' => {
            before.is_some_and(|before| CodePointSetData::new::<Emoji>().contains(before))
        }
        '\u{200d}' => is_picture(before) && is_picture(after),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named() {
        for hidden in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{206f}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{1d173}',
            '\u{fffd}',
            '\u{ffff}',
            '\u{fdd0}',
            '\u{1fffe}',
            '\u{e000}',
            '\u{f0000}',
            '\u{10ffff}',
        ] {
            for text in [format!("a{hidden}b"), format!("{hidden}"), format!("ç{hidden}")] {
                assert_eq!(stray(&text), Some(Stray(hidden)), "{text:?}");
            }
        }
        assert_eq!(
            stray("a\u{202e}b").map(|stray| stray.to_string()).as_deref(),
            Some("U+202E (RIGHT-TO-LEFT OVERRIDE)")
        );
        assert_eq!(stray("a\u{206f}b").map(|stray| stray.to_string()).as_deref(), Some("U+206F"));
    }

    #[test]
    fn what_people_write_is_no_stray() {
        for text in [
            "",
            "Ana",
            "João Peçanha",
            "José  d\u{2019}Ávila\u{a0}Neto",
            "Емельян Пугачёв",
            "محمد",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "ක්\u{200d}ෂ",
            "鈴木",
            "TV 4K 55\" – nº 7",
            "❤\u{fe0f}",
            "👨\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "👍🏽",
            "👩🏽\u{200d}🔬",
            "1\u{fe0f}\u{20e3}",
        ] {
            assert_eq!(stray(text), None, "{text:?}");
        }
    }
}
