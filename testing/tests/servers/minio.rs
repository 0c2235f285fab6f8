use std::sync::Arc;

use bytes::Bytes;
use fleet_testing::Minio;
use futures::future::join_all;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutPayload};

const CLIENTS: usize = 16;

/// Configured by nothing but the server's own environment, as a process given it would be.
fn client(server: &Minio, bucket: &str) -> AmazonS3 {
    let configured = server.env().into_iter().fold(AmazonS3Builder::new(), |builder, (name, value)| {
        builder.with_config(name.to_ascii_lowercase().parse().unwrap(), value)
    });
    configured.with_bucket_name(bucket).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_conditional_puts_exactly_one_succeeds() {
    let server = Minio::start().unwrap();
    server.create_bucket("ledger").unwrap();
    let store = Arc::new(client(&server, "ledger"));

    for round in 0..10 {
        let key = Path::from(format!("commits/{round}"));
        let puts = (0..CLIENTS).map(|number| {
            let (store, key) = (Arc::clone(&store), key.clone());
            tokio::spawn(async move {
                let payload = PutPayload::from(number.to_string());
                store.put_opts(&key, payload, PutMode::Create.into()).await
            })
        });
        let outcomes: Vec<_> = join_all(puts).await.into_iter().map(Result::unwrap).collect();

        let winners: Vec<usize> = (0..CLIENTS).filter(|&number| outcomes[number].is_ok()).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        for outcome in outcomes.iter().filter(|outcome| outcome.is_err()) {
            assert!(matches!(outcome, Err(Error::AlreadyExists { .. })), "{outcome:?}");
        }
        let stored = store.get(&key).await.unwrap().bytes().await.unwrap();
        assert_eq!(stored, Bytes::from(winners[0].to_string()));
    }
}

#[tokio::test]
async fn objects_outlive_a_restart_and_a_crash() {
    let mut server = Minio::start().unwrap();
    server.create_bucket("lake").unwrap();
    let store = client(&server, "lake");
    let key = Path::from("part-0.parquet");
    store.put(&key, PutPayload::from_static(b"rows")).await.unwrap();

    server.restart().unwrap();
    assert_eq!(store.get(&key).await.unwrap().bytes().await.unwrap(), "rows");
    server.kill();
    server.restart().unwrap();
    assert_eq!(store.get(&key).await.unwrap().bytes().await.unwrap(), "rows");
}

#[tokio::test]
async fn each_server_has_keys_of_its_own() {
    let (first, second) = (Minio::start().unwrap(), Minio::start().unwrap());
    second.create_bucket("lake").unwrap();
    let stranger = AmazonS3Builder::new()
        .with_endpoint(second.endpoint())
        .with_allow_http(true)
        .with_region(second.region())
        .with_access_key_id(first.access_key())
        .with_secret_access_key(first.secret_key())
        .with_bucket_name("lake")
        .build()
        .unwrap();
    let refused = stranger.put(&Path::from("object"), PutPayload::new()).await;
    assert!(matches!(refused, Err(Error::PermissionDenied { .. })), "{refused:?}");
}
