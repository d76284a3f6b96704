//! Change of Supplier.

use crate::runner::{StepError, StepResult};
use crate::world::{RigScenario, Role};
use cucumber::when;
use hanrig_dcc::data::UserRole;

/// From then on the registration data name another Import Supplier; what is under way stays under way.
#[when("the other Supplier takes over the premises from the Import Supplier")]
async fn takes_over(world: &mut RigScenario) -> StepResult {
    let (losing, gaining) = (world.supplier_eui(Role::ImportSupplier)?, world.supplier_eui(Role::OtherSupplier)?);
    let hub = world.hub()?;
    world.driver().await?;
    let mut changed = 0;
    world.edit_dcc(&mut |data| {
        changed = data.registration.change_supplier(hub, UserRole::ImportSupplier, gaining);
    })?;
    if changed == 0 {
        return Err(StepError::not_applicable("the premises have no Import Supplier to take over from"));
    }
    world.change = Some((losing, gaining));
    Ok(())
}
