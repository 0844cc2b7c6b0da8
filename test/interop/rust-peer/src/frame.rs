//! One frame a direction and stream (protocol section 18.3): payload length (u32, little-endian), the first 4 bytes of
//! SHA256d(payload), payload. The behaviour around it closes our half after the request.

use std::io;

use async_trait::async_trait;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{request_response, StreamProtocol};
use sha2::{Digest, Sha256};

const MAX_PAYLOAD_BYTES: usize = 1_048_576;

#[derive(Clone, Default)]
pub struct FrameCodec;

fn checksum(payload: &[u8]) -> [u8; 4] {
    let twice = Sha256::digest(Sha256::digest(payload));
    [twice[0], twice[1], twice[2], twice[3]]
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

async fn read_frame<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<Vec<u8>> {
    let (mut length, mut sum) = ([0; 4], [0; 4]);
    io.read_exact(&mut length).await?;
    io.read_exact(&mut sum).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_PAYLOAD_BYTES {
        return Err(bad("oversize"));
    }
    let mut payload = vec![0; length];
    io.read_exact(&mut payload).await?;
    if checksum(&payload) == sum {
        Ok(payload)
    } else {
        Err(bad("checksum"))
    }
}

async fn write_frame<T: AsyncWrite + Unpin + Send>(io: &mut T, payload: &[u8]) -> io::Result<()> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(bad("oversize"));
    }
    io.write_all(&(payload.len() as u32).to_le_bytes()).await?;
    io.write_all(&checksum(payload)).await?;
    io.write_all(payload).await?;
    io.flush().await
}

#[async_trait]
impl request_response::Codec for FrameCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, payload: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &payload).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, payload: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &payload).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{executor::block_on, io::Cursor};

    #[test]
    fn frames_an_empty_header_batch_as_the_protocol_says() {
        let mut out = Cursor::new(Vec::new());
        block_on(write_frame(&mut out, &[4, 0, 0])).unwrap();
        assert_eq!(hex::encode(out.get_ref()), "03000000c9d30567040000");
        out.set_position(0);
        assert_eq!(block_on(read_frame(&mut out)).unwrap(), [4, 0, 0]);
    }

    #[test]
    fn refuses_an_oversize_frame_before_it_reads_on() {
        let mut frame = Cursor::new([1, 0, 16, 0, 0, 0, 0, 0]);
        assert_eq!(block_on(read_frame(&mut frame)).unwrap_err().to_string(), "oversize");
    }
}
