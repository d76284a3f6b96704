//! ZigBee security: published values, and what a wrong key, nonce or octet does.

use hanrig_wire::radio::Layer;
use hanrig_wire::security::{
    AuxHeader, CcmKey, InstallCode, InstallCodeError, KeyId, MIC_LEN, OpenError, SecuredFrame, key_load_key,
    key_transport_key, keyed_hash, mmo_hash,
};
use hanrig_wire::types::{Eui64, Key128};
use proptest::prelude::*;
use rstest::rstest;

/// ZigBee specification, C.5: the hash test vectors.
#[rstest]
#[case("c0", "ae3a102a28d43ee0d4a09e22788b206c")]
#[case("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "a7977e88bc0b61e8210827109a228f2d")]
fn the_hash_gives_the_published_values(#[case] message: &str, #[case] hash: &str) {
    assert_eq!(hex::encode(mmo_hash(&hex::decode(message).unwrap())), hash);
}

/// ZigBee specification, C.6: the keyed hash test vector.
#[test]
fn the_keyed_hash_gives_the_published_value() {
    let key: Key128 = "404142434445464748494a4b4c4d4e4f".parse().unwrap();
    assert_eq!(hex::encode(keyed_hash(key, 0xC0)), "4512807bf94cb3400f0e2c25fb76e999");
    assert_ne!(key_transport_key(key), key_load_key(key));
}

#[test]
fn messages_of_all_lengths_around_a_block_hash_differently() {
    let hashes: std::collections::BTreeSet<_> = (0..70).map(|n| mmo_hash(&vec![0; n])).collect();
    assert_eq!(hashes.len(), 70);
}

#[test]
fn an_install_code_gives_the_published_link_key() {
    let code: InstallCode = "83FE D340 7A93 9723 A5C6 39B2 6916 D505 C3B5".parse().unwrap();
    assert_eq!(code.link_key().to_string(), "66b6900981e1ee3ca4206b6b861c02bb");
    assert_eq!(code.to_string(), "83FED3407A939723A5C639B26916D505C3B5");
}

#[rstest]
#[case(6)]
#[case(8)]
#[case(12)]
#[case(16)]
fn install_codes_of_every_length_are_checked(#[case] length: usize) {
    let mut octets = vec![0x5A; length];
    octets.extend_from_slice(&InstallCode::crc(&octets));
    assert_eq!(InstallCode::new(&octets).unwrap().octets(), octets);
    octets[0] ^= 1;
    assert!(matches!(InstallCode::new(&octets), Err(InstallCodeError::Crc { .. })));
}

#[rstest]
#[case("83FED3407A939723A5C639B26916D505C3B6", "CRC of the install code is C3B6, expected C3B5")]
#[case("83FED3", "an install code of 3 octets, expected 8, 10, 14 or 18 (6, 8, 12 or 16 and a CRC of 2)")]
#[case("83FED3407A9", "an install code is written in hexadecimal digits, two for each octet")]
#[case("no", "an install code is written in hexadecimal digits, two for each octet")]
fn a_wrong_install_code_is_told(#[case] text: &str, #[case] message: &str) {
    assert_eq!(text.parse::<InstallCode>().unwrap_err().to_string(), message);
}

fn aux_header() -> impl Strategy<Value = AuxHeader> {
    (0..4usize, any::<u32>(), proptest::option::of(any::<u64>()), any::<u8>()).prop_map(
        |(id, frame_counter, source, seq)| {
            let key_id = [KeyId::Data, KeyId::Network, KeyId::KeyTransport, KeyId::KeyLoad][id];
            AuxHeader {
                key_id,
                frame_counter,
                source: source.map(Eui64),
                key_sequence: (key_id == KeyId::Network).then_some(seq),
            }
        },
    )
}

fn sealed(key: &CcmKey, aux: &AuxHeader, source: Eui64, head: &[u8], payload: &[u8]) -> (SecuredFrame, Vec<u8>) {
    let mut frame = head.to_vec();
    aux.emit(&mut frame);
    let place = SecuredFrame { header_at: head.len() / 2, aux_at: head.len(), payload_at: frame.len() };
    frame.extend_from_slice(payload);
    place.seal(key, aux, source, &mut frame);
    (place, frame)
}

proptest! {
    #[test]
    fn auxiliary_headers_survive_a_round_trip(aux in aux_header()) {
        let mut octets = Vec::new();
        aux.emit(&mut octets);
        prop_assert_eq!(octets.len(), aux.octets());
        prop_assert_eq!(AuxHeader::parse(Layer::Nwk, &octets), Ok(aux));
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_key_and_sender_only(
        key: [u8; 16], other: [u8; 16], aux in aux_header(), source: u64,
        head in prop::collection::vec(any::<u8>(), 0..30), payload in prop::collection::vec(any::<u8>(), 0..90),
        flip in any::<prop::sample::Index>(),
    ) {
        let (key, source) = (CcmKey::new(Key128(key)), Eui64(source));
        let (place, frame) = sealed(&key, &aux, source, &head, &payload);
        prop_assert_eq!(frame.len(), place.payload_at + payload.len() + MIC_LEN);
        prop_assert_eq!(frame[place.aux_at] & 7, 0, "the level is not sent");

        let mut opened = frame.clone();
        prop_assert_eq!(place.open(&key, &aux, source, &mut opened), Ok(()));
        prop_assert_eq!(&opened[place.payload_at..], &payload[..]);
        prop_assert_eq!(&opened[..place.payload_at], &frame[..place.payload_at]);

        prop_assume!(other != key.key().0);
        let wrong = Err(OpenError::BadMic);
        prop_assert_eq!(place.open(&CcmKey::new(Key128(other)), &aux, source, &mut frame.clone()), wrong);
        prop_assert_eq!(place.open(&key, &aux, Eui64(source.0 ^ 1), &mut frame.clone()), wrong);
        let later = AuxHeader { frame_counter: aux.frame_counter.wrapping_add(1), ..aux };
        prop_assert_eq!(place.open(&key, &later, source, &mut frame.clone()), wrong);
        let mut forged = frame.clone();
        let at = place.header_at + flip.index(frame.len() - place.header_at);
        // The level's bits are the one thing on the air that means nothing.
        forged[at] ^= 0x80;
        prop_assert_eq!(place.open(&key, &aux, source, &mut forged), wrong);
    }

    #[test]
    fn positions_beyond_the_frame_do_no_harm(
        mut frame in prop::collection::vec(any::<u8>(), 0..40),
        header_at in 0..60usize, aux_at in 0..60usize, payload_at in 0..60usize, aux in aux_header(),
    ) {
        let key = CcmKey::new(Key128([7; 16]));
        let place = SecuredFrame { header_at, aux_at, payload_at };
        let _ = place.open(&key, &aux, Eui64(1), &mut frame.clone());
        place.seal(&key, &aux, Eui64(1), &mut frame);
    }
}
