//! `fleet.v1`, the contract between the front door and its clients: messages, clients and servers made from
//! `fleet/v1/*.proto`, and their descriptors for reflection. Never converts, checks or decides anything.

/// Package `fleet.v1`.
#[allow(clippy::all, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("fleet.v1");
}

/// An encoded `FileDescriptorSet` of the package and its imports, with comments.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("fleet_descriptor");

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::{FileDescriptorProto, FileDescriptorSet};

    use super::*;

    fn files() -> Vec<FileDescriptorProto> {
        FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap().file
    }

    #[test]
    fn reflection_knows_every_rpc() {
        let mut rpcs = Vec::new();
        for service in files().iter().flat_map(|file| &file.service) {
            rpcs.extend(service.method.iter().map(|rpc| {
                let stream = if rpc.server_streaming() { " (stream)" } else { "" };
                format!("{}.{}{stream}", service.name(), rpc.name())
            }));
        }
        rpcs.sort();
        assert_eq!(
            rpcs,
            [
                "ClusterService.DrainExecutor",
                "ClusterService.GetClusterInfo",
                "ClusterService.ListExecutors",
                "JobService.Backfill",
                "JobService.CancelRun",
                "JobService.GetJob",
                "JobService.GetLineage",
                "JobService.GetRun",
                "JobService.ListJobs",
                "JobService.ListRuns",
                "JobService.PauseSchedule",
                "JobService.ResumeSchedule",
                "JobService.RetryRun",
                "JobService.SubmitRun",
                "JobService.WatchRun (stream)",
            ]
        );
        assert_eq!(v1::job_service_server::SERVICE_NAME, "fleet.v1.JobService");
        assert_eq!(v1::cluster_service_server::SERVICE_NAME, "fleet.v1.ClusterService");
    }

    #[test]
    fn every_import_comes_before_what_imports_it() {
        let mut known = Vec::new();
        for file in files() {
            for import in &file.dependency {
                assert!(known.contains(import), "{} imports {import}", file.name());
            }
            known.push(file.name().to_owned());
        }
        assert!(known.contains(&"google/protobuf/timestamp.proto".to_owned()));
    }

    #[test]
    fn reflection_has_the_comments() {
        for file in files().iter().filter(|file| file.package() == "fleet.v1") {
            let locations = &file.source_code_info.as_ref().unwrap().location;
            assert!(locations.iter().any(|location| location.leading_comments.is_some()), "{}", file.name());
        }
    }
}
