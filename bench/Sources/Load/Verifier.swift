internal import CBench

/// Checks every publication that arrives: each connection expects the next sequence number of each source of its
/// channel. It works on memory of its own so that the hot path touches no class and no array.
struct Verifier {
    let tally: UnsafeMutablePointer<Tally>
    let latencies: UnsafeMutablePointer<Latencies>
    private let expected: UnsafeMutablePointer<UInt32>
    private let sourcesPerChannel: Int
    private let payloadByteCount: Int
    private let latencySampling: Int
    private let untilSample: UnsafeMutablePointer<Int>
    /// How many bytes follow the payload in a message (`"}` in an envelope); learned from the first message.
    private let trailingByteCount: UnsafeMutablePointer<Int>

    /// What a message turned out to be.
    enum Outcome {
        case publication
        case other
    }

    init(connectionCount: Int, sourcesPerChannel: Int, payloadByteCount: Int, latencySampling: Int) {
        self.sourcesPerChannel = sourcesPerChannel
        self.payloadByteCount = payloadByteCount
        self.latencySampling = latencySampling
        tally = .allocate(capacity: 1)
        tally.initialize(to: Tally())
        latencies = .allocate(capacity: 1)
        latencies.initialize(to: Latencies())
        expected = .allocate(capacity: connectionCount * sourcesPerChannel)
        expected.initialize(repeating: 0, count: connectionCount * sourcesPerChannel)
        untilSample = .allocate(capacity: 1)
        untilSample.initialize(to: 1)
        trailingByteCount = .allocate(capacity: 1)
        trailingByteCount.initialize(to: 0)
    }

    /// Checks a whole message, with or without an envelope around the payload.
    @inline(__always)
    func message(_ bytes: UnsafeRawPointer, count: Int, to recipient: Recipient) -> Outcome {
        let offset = count - trailingByteCount.pointee - payloadByteCount
        if offset >= 0, (bytes + offset).loadUnaligned(as: UInt64.self) == Payload.markerWord {
            publication(bytes + offset, to: recipient)
            return .publication
        }
        return learn(bytes, count: count, to: recipient)
    }

    private func learn(_ bytes: UnsafeRawPointer, count: Int, to recipient: Recipient) -> Outcome {
        guard let offset = Payload.find(in: bytes, count: count), count - offset >= payloadByteCount else {
            return .other
        }
        trailingByteCount.pointee = count - offset - payloadByteCount
        publication(bytes + offset, to: recipient)
        return .publication
    }

    /// Checks one payload.
    @inline(__always)
    func publication(_ payload: UnsafeRawPointer, to recipient: Recipient) {
        let source = Int(Payload.number(at: payload + Payload.sourceOffset)) &- recipient.firstSource
        guard source >= 0, source < sourcesPerChannel else { return tally.pointee.foreign &+= 1 }
        tally.pointee.delivered &+= 1
        check(Payload.number(at: payload + Payload.sequenceOffset), recipient.connection &* sourcesPerChannel &+ source)
        untilSample.pointee &-= 1
        if untilSample.pointee == 0 { sample(payload, recipient) }
    }

    @inline(__always)
    private func check(_ sequence: UInt32, _ slot: Int) {
        if sequence == expected[slot] {
            expected[slot] = sequence &+ 1
        } else if sequence > expected[slot] {
            tally.pointee.lost &+= Int(sequence &- expected[slot])
            expected[slot] = sequence &+ 1
        } else {
            tally.pointee.doubled &+= 1
        }
    }

    private func sample(_ payload: UnsafeRawPointer, _ recipient: Recipient) {
        untilSample.pointee = latencySampling
        let due = Payload.nanoseconds(of: payload)
        guard due >= recipient.windowStartNanoseconds, recipient.nowNanoseconds >= due else { return }
        latencies.pointee.record(nanoseconds: recipient.nowNanoseconds - due)
    }

    /// Counts what was acknowledged and never came to a connection.
    func countMissing(connection: Int, firstSource: Int, ledger: Ledger) {
        for source in 0..<sourcesPerChannel {
            let acknowledged = Int(ledger.acknowledgedCount(ofSource: firstSource + source))
            let received = Int(expected[connection * sourcesPerChannel + source])
            tally.pointee.lost += max(0, acknowledged - received)
        }
    }
}

/// Who receives, and when.
struct Recipient {
    let connection: Int
    let firstSource: Int
    let nowNanoseconds: UInt64
    let windowStartNanoseconds: UInt64
}
