//! What the operations of a request cost together: refuses them all when it is too
//! much, and takes it from what the user may spend.

use crate::http::App;
use crate::http::rate::Charge;
use crate::kernel::{Requester, code};
use crate::operation::{Checked, Refusal, RefusedOperation};

/// An operation that may run, or why not.
pub(super) type Judged = Result<Checked, RefusedOperation>;

/// Refuses all of `operations` when they cost too much together, or more than
/// `requester` may spend now; of the latter tells, too, those that were refused
/// before. No charge where nothing limits what a user spends.
pub(super) fn charge(
    app: &App,
    operations: Vec<Judged>,
    requester: &Requester,
) -> (Vec<Judged>, Option<Charge>) {
    let cost = operations.iter().flatten().map(Checked::cost).fold(0, u64::saturating_add);
    let burst = app.spending.as_ref().map(|spending| u64::from(spending.burst()));
    let most = app.limits.cost.unwrap_or(u64::MAX).min(burst.unwrap_or(u64::MAX));
    let (operations, payable) = if cost > most {
        let refused = |checked| RefusedOperation::after(checked, too_costly(cost, most));
        (operations.into_iter().map(|judged| judged.and_then(|checked| Err(refused(checked)))).collect(), 0)
    } else {
        (operations, cost)
    };
    let Some(spending) = &app.spending else { return (operations, None) };
    let charge = spending.charge(&requester.nome, payable.max(operations.len() as u64));
    if charge.refused.is_none() {
        return (operations, Some(charge));
    }
    let spent =
        || Refusal::new(code::RATE_LIMITED, "You have spent what may be spent for now; try again later.");
    let refuse = |judged: Judged| match judged {
        Ok(checked) => Err(RefusedOperation::after(checked, spent())),
        Err(refused) => Err(refused.instead(spent())),
    };
    (operations.into_iter().map(refuse).collect(), Some(charge))
}

fn too_costly(cost: u64, most: u64) -> Refusal {
    let message = format!(
        "The operation may cost {cost}; at most {most} is allowed. Ask for smaller pages, or fewer inside each other."
    );
    Refusal::new(code::LIMITE_CUSTO, message)
}
