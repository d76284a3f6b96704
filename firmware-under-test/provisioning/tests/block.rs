//! The provisioning block, written and read back.

use core::time::Duration;
use hanrig_provisioning::{
    BlockError, Faults, HEAD, HubProvisioning, PpmidProvisioning, Provisioning, REGION_SIZE, Role, decode, encode,
};
use hanrig_wire::types::{Eui64, FirmwareVersion, Key128};
use proptest::prelude::*;
use rstest::rstest;

fn hub() -> HubProvisioning {
    HubProvisioning {
        eui64: Eui64(0x0011_2233_4455_6677),
        firmware_version: Some(FirmwareVersion(0x0102_0304)),
        manufacturer_code: 0x10C7,
        channel: 20,
        pan_id: 0x1A62,
        extended_pan_id: 0xDDDD_0011_2233_4455,
        network_key: Key128([7; 16]),
        signing_key: [1; 32],
        access_control_broker: Eui64(0x90B3_D51F_3000_0002),
        retention: Duration::from_secs(14 * 24 * 3600),
        stall: Duration::from_secs(24 * 3600),
        notify_again: Duration::from_secs(3600),
        seed: [9; 32],
        occasion: 7,
        faults: Faults::default(),
    }
}

fn ppmid() -> PpmidProvisioning {
    PpmidProvisioning {
        eui64: Eui64(0x0011_2233_4455_6688),
        manufacturer_code: 0x10C7,
        image_type: 0x1234,
        hardware_version: 0x0101,
        factory_version: None,
        link_key: Key128([3; 16]),
        channels: vec![11, 20],
        signing_key: [4; 32],
        key_agreement: [5; 32],
        access_control_broker: Eui64(0x90B3_D51F_3000_0002),
        access_control_broker_key: vec![4; 65],
        manufacturer_key: vec![4; 65],
        sends_hardware_version: true,
        block_size: 50,
        block_pause: Duration::ZERO,
        page_requests: false,
        query_period: Duration::from_secs(24 * 3600),
        verification: Duration::from_secs(90),
        predates_gbcs: false,
        restart: Duration::from_secs(5),
        seed: [9; 32],
        occasion: 7,
        faults: Faults { hang_after_boot: Some(Duration::from_millis(1500)) },
    }
}

#[rstest]
#[case::hub(Provisioning::Hub(hub()), Role::Hub)]
#[case::ppmid(Provisioning::Ppmid(ppmid()), Role::Ppmid)]
fn a_block_is_read_back_from_its_region(#[case] provisioning: Provisioning, #[case] role: Role) {
    let mut block = encode(&provisioning).unwrap();
    assert!(block.len().is_multiple_of(4), "a probe writes words");
    block.resize(REGION_SIZE, 0xA5);
    let read = decode(&block).unwrap();
    assert_eq!(read, provisioning);
    assert_eq!(read.role(), role);
}

#[test]
fn the_head_is_as_documented() {
    let block = encode(&Provisioning::Hub(hub())).unwrap();
    let (head, _) = block.split_at(12);
    assert_eq!(head.split_at(4).0, b"HRPV");
    assert_eq!(head.split_at(4).1, [4, 0, 0, 0, 132, 0, 0, 0]);
}

#[test]
fn what_is_wrong_is_told() {
    let good = encode(&Provisioning::Hub(hub())).unwrap();
    let with = |at: usize, octets: &[u8]| {
        let mut block = good.clone();
        block[at..at + octets.len()].copy_from_slice(octets);
        decode(&block).unwrap_err().to_string()
    };
    assert_eq!(decode(&[0; REGION_SIZE]), Err(BlockError::Blank));
    assert_eq!(decode(&[0xFF; REGION_SIZE]), Err(BlockError::Blank));
    insta::assert_snapshot!(with(0, b"ABCD"), @"expected the word 0x56505248 at offset 0, found 0x44434241");
    insta::assert_snapshot!(with(4, &[1, 0]), @"expected version 4 of the layout at offset 4, found 1");
    insta::assert_snapshot!(with(8, &[0, 1, 0, 0]), @"the payload of 256 octets does not fit the 132 octets there are for it");
    insta::assert_snapshot!(with(12, &[0, 0, 0, 0]), @"the payload's CRC-32 is 0x98c0bf46, expected 0x00000000");
    insta::assert_snapshot!(decode(&good[..8]).unwrap_err(), @"the payload of 16 octets does not fit the 8 octets there are for it");
}

#[test]
fn a_block_that_does_not_fit_its_region_is_refused() {
    let absurd = PpmidProvisioning { channels: vec![11; 4000], ..ppmid() };
    let refused = encode(&Provisioning::Ppmid(absurd)).unwrap_err();
    assert!(matches!(refused, BlockError::Length { available, .. } if available == REGION_SIZE - HEAD), "{refused}");
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&octets);
        let mut block = encode(&Provisioning::Ppmid(ppmid())).unwrap();
        for (place, octet) in block.iter_mut().zip(&octets).skip(4) {
            *place = *octet;
        }
        let _ = decode(&block);
    }

    #[test]
    fn a_changed_octet_never_passes(at in 0usize..HEAD + 131, flip in 1u8..) {
        let mut block = encode(&Provisioning::Hub(hub())).unwrap();
        block[at] ^= flip;
        // Octets 6 and 7 are reserved.
        prop_assert!(decode(&block).is_err() || at == 6 || at == 7);
    }
}
