//! Bytes that callers carry about and that only we can have made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac, digest::Key};
use sha2::{Digest, Sha256};

type HmacSha256 = Hmac<Sha256>;

/// Half of the HMAC: 128 bits are more than anybody can guess, and RFC 2104 (section 5) asks for no less than half.
const SIGNATURE_LENGTH: usize = 16;

/// As many bytes of a hash of conditions: they guard against mistakes, not against attacks, for which the signature is.
pub(crate) const HASH_LENGTH: usize = 8;

/// Signs bytes for one purpose, and knows again what it signed.
pub(crate) struct Signer {
    mac: HmacSha256,
}

impl Signer {
    /// Signs with the database's own key. `purpose` keeps these signatures apart from all others of the same key.
    pub(crate) fn new(key: [u8; 32], purpose: &[u8]) -> Self {
        // HMAC pads a key with zeros to the length of a block, so this is the key itself.
        let mut block = Key::<HmacSha256>::default();
        block[..key.len()].copy_from_slice(&key);
        let mac = HmacSha256::new(&block).chain_update(purpose);
        Self { mac }
    }

    /// The bytes with their signature (16), as text that needs no escape in a URL.
    pub(crate) fn sign(&self, mut bytes: Vec<u8>) -> String {
        let signature = self.mac.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend(signature.iter().take(SIGNATURE_LENGTH));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The bytes in front of the signature, if that is ours.
    pub(crate) fn verify(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let end = bytes.len().checked_sub(SIGNATURE_LENGTH)?;
        let signature = bytes.split_off(end);
        let mac = self.mac.clone().chain_update(&bytes);
        mac.verify_truncated_left(&signature).ok().map(|()| bytes)
    }
}

/// A hash of conditions, each with its length, so that no two lists of them read the same.
pub(crate) fn hash_of(conditions: impl IntoIterator<Item = Option<Vec<u8>>>) -> [u8; HASH_LENGTH] {
    let mut hash = Sha256::new();
    for condition in conditions {
        match condition {
            None => hash.update([0]),
            Some(bytes) => {
                hash.update([1]);
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        }
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut beginning = [0; HASH_LENGTH];
    beginning.copy_from_slice(&hash[..HASH_LENGTH]);
    beginning
}
