//! WIP
use crate::service::{Service, Term};
use fleet_proto::v1;
use tonic::Status;
pub(super) async fn answer(_: &Service, _: &Term, _: v1::GetLineageRequest) -> Result<v1::GetLineageResponse, Status> {
    Err(Status::unimplemented(""))
}
