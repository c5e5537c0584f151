internal import Broker

/// Takes messages out of the body of an answer that does not end.
///
/// Thread: that of its client. One for each link; it keeps what is not whole.
protocol LinkReader: AnyObject {
    /// Whether an answer begins what it reads; if not, why.
    func objection(to head: AnswerHead) -> PerseidError?

    /// Takes bytes as they come, and hands over what is whole: messages, with the cursor where this transport has one.
    ///
    /// - Throws: for what no node says; the rest is of no use then.
    func take(
        _ bytes: UnsafeRawBufferPointer,
        _ found: (LinkFinding) -> Void
    ) throws(PerseidError)
}

/// What is found in what comes.
enum LinkFinding {
    case message(ServerMessage, Broker.Cursor?)
    /// The node asks for an answer: frames to be sent as they are.
    case answer([UInt8])
    /// The node closes the connection, and why.
    case close(PerseidError)
}
