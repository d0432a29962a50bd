//! Stopping: what is in flight finishes, nothing else begins, and it ends in time.

use keyward::server::Bounds;

use crate::harness::{Running, SOON, bounded, patient};

const WAIT: &str = "GET /wait HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn a_request_in_flight_is_answered_and_its_connection_ends() {
    bounded(async {
        let mut server = Running::start(patient()).await;
        let mut client = server.connect().await;
        client.send(WAIT).await;
        server.begun.recv().await.unwrap();
        let mut idle = server.connect().await;
        idle.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
        idle.answer().await;
        let mut fresh = server.connect().await;

        let go = server.go.clone();
        let stopped = server.stop();
        assert_eq!(idle.rest().await, "", "an idle connection is closed at once");
        assert_eq!(fresh.rest().await, "", "so is one that has said nothing yet");
        assert!(!stopped.is_finished(), "the request in flight is waited for");
        go.send(()).unwrap();
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(client.rest().await, "");
        stopped.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn half_sent_requests_do_not_hold_up_a_stop_for_longer_than_the_drain_time() {
    bounded(async {
        for half in
            ["GET /a HTTP/1.1\r\nhost: x\r\n", "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf"]
        {
            let server = Running::start(Bounds { drain: SOON, ..patient() }).await;
            let mut client = server.connect().await;
            // Answered first, so that the server surely has the connection when it is asked to stop.
            client.send(format!("GET /a HTTP/1.1\r\nhost: x\r\n\r\n{half}")).await;
            client.answer().await;
            server.stop().await.unwrap();
            assert_eq!(client.rest().await, "", "{half:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_completed_while_draining_is_answered() {
    bounded(async {
        let server = Running::start(patient()).await;
        let mut client = server.connect().await;
        client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\nPOST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nha").await;
        client.answer().await;
        let stopped = server.stop();
        client.send("lf").await;
        assert!(client.answer().await.body.ends_with("\"half\""));
        assert_eq!(client.rest().await, "");
        stopped.await.unwrap();
    })
    .await;
}
