//! Asking for a device: by name, serial number, user or id; and what is suggested while someone types.

use crate::bed::{Bed, Spans as _};

#[tokio::test]
async fn a_device_is_found_by_name_serial_number_user_and_id_in_any_case() {
    let bed = Bed::new("asking by name").await;
    let device = bed.tenant.device("MBP-ELSA").unwrap();
    let upn = device.user_upn.clone().unwrap();
    for text in ["MBP-ELSA", "mbp-elsa", " MBP-Elsa", &device.serial, &device.id, &device.id.to_uppercase()] {
        bed.user("hanna").runs(&format!("/device device:{text}")).await.says("`MBP-ELSA`");
        bed.advance(10.seconds()).await;
    }
    // Elsa has several devices, so her name is a question.
    bed.user("hanna").runs(&format!("/device device:{upn}")).await.says("Which device?");
    bed.user("hanna").runs("/device device:Elsa Moreau").await.says("Which device?");
    bed.finish().await;
}
