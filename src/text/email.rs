//! The identity of an e-mail address.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::nfc;

/// What two spellings of one address share, and no two addresses do: lower case, NFC,
/// the domain as DNS knows it (punycode, UTS #46). An accent is a difference. What is
/// no address has a key, too, so that rows of other times can be compared.
#[must_use]
pub fn email_key(address: &str) -> String {
    let lower = |text: &str| nfc(nfc(text.to_owned()).to_lowercase());
    match address.trim().rsplit_once('@') {
        Some((local, domain)) => {
            let domain = domain_of(domain).unwrap_or_else(|| lower(domain));
            format!("{}@{domain}", lower(local))
        }
        None => lower(address.trim()),
    }
}

/// A domain as DNS knows it; none when it cannot be one: letters, digits and hyphens
/// in at least two labels, of which the last is no number.
#[must_use]
pub fn domain_of(domain: &str) -> Option<String> {
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    let last = ascii.rsplit_once('.')?.1;
    (!last.bytes().all(|byte| byte.is_ascii_digit())).then(|| ascii.into_owned())
}

/// A domain that DNS knows, in the letters that it stands for.
#[must_use]
pub fn domain_as_shown(ascii: &str) -> String {
    let (shown, _) = Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    shown.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_share_a_key() {
        for (one, other) in [
            ("Ana@Exemplo.com.br", "ana@exemplo.com.br"),
            ("JOSÉ@exemplo.com", "jose\u{301}@exemplo.com"),
            ("contato@açaí.com.br", "contato@AC\u{327}AI\u{301}.com.br"),
            ("contato@açaí.com.br", "contato@xn--aa-4iaz.com.br"),
            ("a@ｅｘｅｍｐｌｏ.com", "a@exemplo.com"),
            (" a@b.com ", "a@b.com"),
        ] {
            assert_eq!(email_key(one), email_key(other), "{one} {other}");
        }
    }

    #[test]
    fn other_addresses_have_other_keys() {
        let all = [
            "jose.reis@exemplo.com.br",
            "jóse.réis@exemplo.cóm.br",
            "josé.reis@exemplo.com.br",
            "strasse@exemplo.com",
            "straße@exemplo.com",
            "contato@acai.com.br",
            "contato@açaí.com.br",
            "a@b_c.com",
            "a@b-c.com",
            "ａ@exemplo.com",
            "a@exemplo.com",
            "a",
        ];
        let keys: std::collections::HashSet<String> = all.iter().map(|one| email_key(one)).collect();
        assert_eq!(keys.len(), all.len());
    }

    #[test]
    fn domains() {
        for (domain, ascii) in [
            ("exemplo.com.br", "exemplo.com.br"),
            ("AÇAÍ.com.br", "xn--aa-4iaz.com.br"),
            ("a-b.com", "a-b.com"),
            ("123.com", "123.com"),
        ] {
            assert_eq!(domain_of(domain).as_deref(), Some(ascii), "{domain}");
        }
        for domain in [
            "",
            "localhost",
            "1.2.3.4",
            "exemplo.123",
            "b_c.com",
            "-a.com",
            "a-.com",
            "a..com",
            ".com",
            "a.com.",
            "a b.com",
            "[10.0.0.1]",
            "a@b.com",
        ] {
            assert_eq!(domain_of(domain), None, "{domain}");
        }
        assert_eq!(domain_of(&format!("{}.com", "a".repeat(64))), None);
    }
}
