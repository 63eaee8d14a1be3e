//! Verifying an outside provider's id tokens (OpenID Connect Core 1.0, section 3.1.3.7).

use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

/// Longest id token that is looked at, bytes.
const LONGEST: usize = 32 << 10;
/// Longest name, characters.
const LONGEST_NAME: usize = 256;
/// How far the provider's clock may be from ours, seconds.
const SKEW: i64 = 60;

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// Which claim is the person's name.
    pub(super) user_claim: &'a str,
    pub(super) now: Timestamp,
}

/// Whom a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) display_name: String,
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// None of the keys made the signature; there may be newer ones.
    Key,
    /// Anything else, in words.
    Token(&'static str),
}

/// The person whom `token` names, when one of `keys` signed it for us, just now.
pub(super) fn verify(token: &str, keys: &[Jwk], expected: &Expected<'_>) -> Result<Person, Fault> {
    if token.len() > LONGEST {
        return Err(Fault::Token("it is too long"));
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Fault::Token("it is no token"))?;
    // Never what the token says alone: no symmetric algorithm, and not none.
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
        return Err(Fault::Token("its algorithm is neither RS256 nor ES256"));
    }
    let fits = |key: &&Jwk| {
        let kind = match key.algorithm {
            AlgorithmParameters::RSA(_) => header.alg == Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(_) => header.alg == Algorithm::ES256,
            _ => false,
        };
        kind && header.kid.as_ref().is_none_or(|kid| key.common.key_id.as_ref() == Some(kid))
    };
    let claims = keys.iter().filter(fits).find_map(|key| signed(token, key, header.alg)).ok_or(Fault::Key)?;
    judge(&claims, expected).map_err(Fault::Token)
}

fn signed(token: &str, key: &Jwk, algorithm: Algorithm) -> Option<Map<String, Value>> {
    let key = DecodingKey::from_jwk(key).ok()?;
    let mut rules = Validation::new(algorithm);
    // The claims are judged below, with our own clock.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    jsonwebtoken::decode(token, &key, &rules).ok().map(|data| data.claims)
}

fn judge(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<Person, &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or("");
    let now = expected.now.as_second();
    if text("iss") != expected.issuer {
        return Err("its issuer is another one");
    }
    let ours = |value: &Value| value.as_str() == Some(expected.client_id);
    let (mine, alone) = match claims.get("aud") {
        Some(Value::Array(all)) => (all.iter().any(ours), all.len() == 1),
        Some(one) => (ours(one), true),
        None => (false, false),
    };
    let party = claims.get("azp").is_none_or(ours) && (alone || claims.contains_key("azp"));
    if !mine || !party {
        return Err("it is meant for somebody else");
    }
    if claims.get("exp").and_then(Value::as_f64).is_none_or(|exp| exp <= (now - SKEW) as f64) {
        return Err("it has expired");
    }
    let later =
        |name: &str| claims.get(name).and_then(Value::as_f64).is_some_and(|at| at > (now + SKEW) as f64);
    if later("nbf") || later("iat") {
        return Err("it is from the future");
    }
    if !bool::from(text("nonce").as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err("it belongs to another sign-in");
    }
    let name = text(expected.user_claim).trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err("it does not name the person");
    }
    // An address that anybody may have typed names nobody.
    if expected.user_claim == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err("the provider has not verified the person's address");
    }
    let display = text("name").trim();
    let readable = !display.is_empty() && !display.chars().any(char::is_control);
    let display_name = if readable { display.chars().take(LONGEST_NAME).collect() } else { name.to_owned() };
    Ok(Person { name: name.to_owned(), display_name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    const NOW: i64 = 1_000_000;

    fn expected() -> Expected<'static> {
        Expected {
            issuer: "https://id.example",
            client_id: "hardline",
            nonce: "n",
            user_claim: "preferred_username",
            now: Timestamp::from_second(NOW).unwrap(),
        }
    }

    fn good() -> Value {
        json!({
            "iss": "https://id.example", "aud": "hardline", "sub": "1", "exp": NOW + 300, "iat": NOW, "nonce": "n",
            "preferred_username": "ann@example.org", "name": "Ann",
        })
    }

    fn judged(change: &Value) -> Result<Person, &'static str> {
        let mut claims = good();
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        judge(claims.as_object().unwrap(), &expected())
    }

    #[test]
    fn claims_are_judged() {
        let ann = Person { name: "ann@example.org".into(), display_name: "Ann".into() };
        for fine in [
            json!({}),
            json!({ "aud": ["hardline"] }),
            json!({ "aud": ["hardline", "other"], "azp": "hardline" }),
            json!({ "exp": NOW - 59 }),
            json!({ "iat": NOW + 60 }),
        ] {
            assert_eq!(judged(&fine), Ok(ann.clone()), "{fine}");
        }
        assert_eq!(judged(&json!({ "name": null })).unwrap().display_name, "ann@example.org");
        for (change, why) in [
            (json!({ "iss": "https://id.example/" }), "its issuer is another one"),
            (json!({ "iss": null }), "its issuer is another one"),
            (json!({ "aud": "other" }), "it is meant for somebody else"),
            (json!({ "aud": null }), "it is meant for somebody else"),
            (json!({ "aud": ["hardline", "other"] }), "it is meant for somebody else"),
            (json!({ "azp": "other" }), "it is meant for somebody else"),
            (json!({ "exp": NOW - 60 }), "it has expired"),
            (json!({ "exp": null }), "it has expired"),
            (json!({ "exp": "2000000" }), "it has expired"),
            (json!({ "iat": NOW + 61 }), "it is from the future"),
            (json!({ "nbf": NOW + 61 }), "it is from the future"),
            (json!({ "nonce": "other" }), "it belongs to another sign-in"),
            (json!({ "nonce": null }), "it belongs to another sign-in"),
            (json!({ "preferred_username": null }), "it does not name the person"),
            (json!({ "preferred_username": ["ann"] }), "it does not name the person"),
            (json!({ "preferred_username": "a\nb" }), "it does not name the person"),
            (json!({ "preferred_username": "x".repeat(257) }), "it does not name the person"),
        ] {
            assert_eq!(judged(&change), Err(why), "{change}");
        }
    }

    #[test]
    fn an_address_counts_when_it_was_verified() {
        let by_mail = Expected { user_claim: "email", ..expected() };
        let with = |verified: Value| {
            let mut claims = good();
            claims["email"] = json!("ann@example.org");
            claims["email_verified"] = verified;
            judge(claims.as_object().unwrap(), &by_mail)
        };
        assert!(with(json!(true)).is_ok());
        for not in [json!(false), json!("true"), Value::Null] {
            assert_eq!(with(not), Err("the provider has not verified the person's address"));
        }
    }

    #[test]
    fn only_rs256_and_es256_by_the_providers_own_keys() {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa = EncodingKey::from_rsa_der(aws_lc_rs_pkcs1(&pair).as_slice());
        let mut jwk = Jwk::from_encoding_key(&rsa, Algorithm::RS256).unwrap();
        jwk.common.key_id = Some("k".into());
        let sign = |algorithm, kid: Option<&str>, key: &EncodingKey| {
            let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
            jsonwebtoken::encode(&header, &good(), key).unwrap()
        };
        let keys = [jwk.clone()];
        assert!(verify(&sign(Algorithm::RS256, Some("k"), &rsa), &keys, &expected()).is_ok());
        assert!(verify(&sign(Algorithm::RS256, None, &rsa), &keys, &expected()).is_ok());
        assert_eq!(verify(&sign(Algorithm::RS256, Some("new"), &rsa), &keys, &expected()), Err(Fault::Key));
        let wrong = Fault::Token("its algorithm is neither RS256 nor ES256");
        assert_eq!(verify(&sign(Algorithm::RS512, Some("k"), &rsa), &keys, &expected()), Err(wrong));
        // The public key as a symmetric one.
        let public = EncodingKey::from_secret(serde_json::to_string(&jwk).unwrap().as_bytes());
        assert_eq!(verify(&sign(Algorithm::HS256, Some("k"), &public), &keys, &expected()), Err(wrong));
        let good = sign(Algorithm::RS256, Some("k"), &rsa);
        let (_, rest) = good.split_once('.').unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{rest}");
        assert_eq!(verify(&unsigned, &keys, &expected()), Err(Fault::Token("it is no token")));
        assert_eq!(verify(&format!("{good}x"), &keys, &expected()), Err(Fault::Key));
        assert_eq!(verify(&"x".repeat(LONGEST + 1), &keys, &expected()), Err(Fault::Token("it is too long")));
        let other =
            EncodingKey::from_rsa_der(&aws_lc_rs_pkcs1(&KeyPair::generate(KeySize::Rsa2048).unwrap()));
        assert_eq!(verify(&sign(Algorithm::RS256, Some("k"), &other), &keys, &expected()), Err(Fault::Key));
    }

    /// The private key as `EncodingKey` takes it: PKCS #1, out of PKCS #8, whose head is of one length for this size.
    fn aws_lc_rs_pkcs1(pair: &KeyPair) -> Vec<u8> {
        let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        pkcs8.as_ref()[26..].to_vec()
    }
}
