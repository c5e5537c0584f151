internal import Reactor

/// The way between a connection and its peer: the only type of the edge that sends and receives, so that what changes the bytes
/// on their way, as encryption does, has one place to be.
///
/// Thread: owned by one reactor. Size: 4 bytes. It does not close itself: its connection says when.
struct Link {
    private let socket: Socket

    init(_ socket: Socket) { self.socket = socket }

    // MARK: Bytes

    /// Receives what is there, as much as fits.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Transfer { socket.receive(into: buffer) }

    /// Sends a run of bytes, as much as is taken.
    func send(_ bytes: UnsafeRawBufferPointer) -> Socket.Transfer { socket.send(bytes) }

    /// Sends several runs together, as much as is taken.
    func send(_ parts: UnsafeMutableBufferPointer<OutputPart>) -> Socket.Transfer { socket.send(parts) }

    /// Notes a send for a batch. The bytes must stay where they are until that is submitted.
    func add(_ bytes: UnsafeRawBufferPointer, to batch: inout SendBatch, token: SendBatch.Token) {
        batch.add(socket, bytes, token: token)
    }

    // MARK: The peer

    /// Whether the peer will say no more, or is gone.
    var isEnded: Bool { socket.isEnded }

    /// Whether the peer's system has acknowledged everything that was sent.
    var isAcknowledged: Bool { socket.isAcknowledged }

    /// Bytes that were sent and that the peer's system has not acknowledged.
    var unacknowledgedBytes: Int { socket.unacknowledgedBytes }

    /// Milliseconds since the peer's system was heard of; `nil` where that is not known.
    var silenceMilliseconds: UInt64? { socket.silenceMilliseconds }

    /// The `errno` of a connection that broke; 0 while it has not.
    var failureCode: Int32 { socket.connectionError?.code ?? 0 }

    // MARK: Being watched, and the end

    /// What a poller knows it by.
    var descriptor: Int32 { socket.descriptor }

    /// Ends our direction; the peer reads an end of stream.
    func shutdownWriting() { socket.shutdownWriting() }

    /// Has `close` drop what is unsent, and reset the connection.
    func makeCloseAbortive() { socket.makeCloseAbortive() }

    /// Ends the connection.
    func close() { socket.close() }
}
