//! One conversation over a socket of its own.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::case::Step;

/// How long any conversation may take. The service's own limits of time end each of them sooner.
const PATIENCE: Duration = Duration::from_secs(25);

/// Every byte that the server sends until it closes the connection, while the client does these things.
///
/// # Errors
/// When there is no connection, or no end of it.
pub(super) async fn converse(address: &str, steps: &[Step]) -> Result<Vec<u8>, String> {
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|error| format!("there is no connection: {error}"))?;
    if let Some((Step::Reset, before)) = steps.split_last() {
        return break_off(stream, before).await.map(|()| Vec::new());
    }
    let (reader, writer) = stream.into_split();
    let heard = async {
        tokio::pin! {
            let heard = hear(reader);
            let said = say(writer, steps);
        }
        tokio::select! {
            heard = &mut heard => heard,
            // Kept, since dropping it would say that nothing more is sent.
            _writer = &mut said => heard.await,
        }
    };
    let heard = tokio::time::timeout(PATIENCE, heard).await;
    heard.map_err(|_| format!("the connection is open after {PATIENCE:?}"))
}

/// What was received before a reset counts: a server that closes before it has read everything causes one.
async fn hear(mut reader: OwnedReadHalf) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = reader.read(&mut buffer).await {
        heard.extend_from_slice(&buffer[..count]);
    }
    heard
}

/// Stops where the server does not take any more; it may answer all the same.
async fn say(mut writer: OwnedWriteHalf, steps: &[Step]) -> OwnedWriteHalf {
    for step in steps {
        if take(&mut writer, step).await.is_err() {
            break;
        }
    }
    writer
}

async fn take(writer: &mut OwnedWriteHalf, step: &Step) -> io::Result<()> {
    match step {
        Step::Send(bytes) => writer.write_all(bytes).await,
        Step::Drip(bytes, pause) => {
            for byte in bytes {
                writer.write_all(&[*byte]).await?;
                tokio::time::sleep(*pause).await;
            }
            Ok(())
        }
        Step::Forever(bytes, pause) => loop {
            writer.write_all(bytes).await?;
            tokio::time::sleep(*pause).await;
        },
        Step::EndSending => writer.shutdown().await,
        Step::Reset => Err(io::ErrorKind::ConnectionReset.into()),
    }
}

async fn break_off(mut stream: TcpStream, before: &[Step]) -> Result<(), String> {
    for step in before {
        if let Step::Send(bytes) = step {
            let sent = stream.write_all(bytes).await;
            sent.map_err(|error| format!("not even the beginning was taken: {error}"))?;
        }
    }
    // Closed without lingering, a connection is reset.
    let set = stream.set_zero_linger();
    set.map_err(|error| format!("no connection can be reset: {error}"))
}
