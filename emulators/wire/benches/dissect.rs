//! How many frames a second the dissector decodes, with NWK and APS decryption.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hanrig_wire::aps::{Addressing, ApsHeader, ApsKind, Delivery, Fragment, PROFILE_SMART_ENERGY};
use hanrig_wire::dissect::{Dissector, KeyRing};
use hanrig_wire::mac::{self, Address, FrameType, MacHeader};
use hanrig_wire::nwk::{NwkFrameType, NwkHeader};
use hanrig_wire::security::{AuxHeader, CcmKey, KeyId, SecuredFrame};
use hanrig_wire::types::{Eui64, Key128};
use std::hint::black_box;

const HUB: Eui64 = Eui64(0x00DB_1234_5678_90A0);
const DEVICE: Eui64 = Eui64(0x00DB_1234_5678_90A4);
const NETWORK_KEY: Key128 = Key128([1; 16]);
const LINK_KEY: Key128 = Key128([2; 16]);

/// An Image Block Response with 50 octets of image, under both keys.
fn block_response(counter: u32) -> Vec<u8> {
    let mut frame = Vec::with_capacity(mac::MAX_FRAME);
    MacHeader::within(FrameType::Data, counter as u8, 0x1A62, Address::Short(0x4C94), Address::Short(0))
        .emit(&mut frame);
    let nwk_at = frame.len();
    NwkHeader {
        frame_type: NwkFrameType::Data,
        version: 2,
        discover_route: 0,
        security: true,
        end_device_initiator: false,
        destination: 0x4C94,
        source: 0,
        radius: 30,
        sequence: counter as u8,
        destination_eui: None,
        source_eui: None,
    }
    .emit(&mut frame);
    let nwk_aux_at = frame.len();
    let nwk_aux =
        AuxHeader { key_id: KeyId::Network, frame_counter: counter, source: Some(HUB), key_sequence: Some(0) };
    nwk_aux.emit(&mut frame);
    let aps_at = frame.len();
    ApsHeader {
        kind: ApsKind::Data(Addressing {
            destination_endpoint: Some(2),
            group: None,
            cluster: 0x0019,
            profile: PROFILE_SMART_ENERGY,
            source_endpoint: 1,
        }),
        delivery: Delivery::Unicast,
        security: true,
        ack_request: false,
        counter: counter as u8,
        fragment: Fragment::None,
    }
    .emit(&mut frame);
    let aps_aux_at = frame.len();
    let aps_aux = AuxHeader { key_id: KeyId::Data, frame_counter: counter, source: None, key_sequence: None };
    aps_aux.emit(&mut frame);
    let payload_at = frame.len();
    frame.extend_from_slice(&[0x19, counter as u8, 0x05]);
    frame.extend_from_slice(&[0; 14]);
    frame.extend_from_slice(&[0xA5; 50]);
    SecuredFrame { header_at: aps_at, aux_at: aps_aux_at, payload_at }.seal(
        &CcmKey::new(LINK_KEY),
        &aps_aux,
        HUB,
        &mut frame,
    );
    SecuredFrame { header_at: nwk_at, aux_at: nwk_aux_at, payload_at: aps_at }.seal(
        &CcmKey::new(NETWORK_KEY),
        &nwk_aux,
        HUB,
        &mut frame,
    );
    mac::append_fcs(&mut frame);
    frame
}

fn dissect(c: &mut Criterion) {
    const FRAMES: u32 = 1000;
    let frames: Vec<_> = (0..FRAMES).map(block_response).collect();
    let mut keys = KeyRing::new();
    keys.add_network_key(NETWORK_KEY, Some(0));
    keys.add_link_key(LINK_KEY, DEVICE, Some(HUB));
    let dissector = Dissector::new(keys);
    let mut group = c.benchmark_group("dissect");
    group.throughput(Throughput::Elements(u64::from(FRAMES)));
    group.bench_function("image_block_response", |b| {
        b.iter_batched_ref(
            || dissector.clone(),
            |dissector| {
                for frame in &frames {
                    let dissection = dissector.dissect(black_box(frame));
                    assert_eq!(dissection.payload.len(), 67);
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, dissect);
criterion_main!(benches);
