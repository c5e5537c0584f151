internal import COpenSSL

/// What is left of the server's end of a session of TLS 1.3 once it is agreed: two keys. OpenSSL, which agreed to them, keeps some 13,000
/// bytes for each session; a client that only listens needs none of those again.
///
/// Thread: that of its records. Size: 272 bytes. Its owner wipes the memory that it was in.
///
/// Source: RFC 8446 §4.6.3 (new keys), §5 (records), §6 (alerts).
struct RecordLayer: ~Copyable {
    /// What a record is, RFC 8446 §B.1.
    enum Kind: UInt8 {
        case alert = 21
        case handshake = 22
        case data = 23
    }

    /// What came of a record.
    enum Opened {
        /// So many bytes of what the peer says.
        case data(Int)
        /// Nothing that it says.
        case nothing
        /// The peer will say no more.
        case end
    }

    private var opening: RecordKey
    private var sealing: RecordKey

    /// Whether it goes on with what was agreed another time.
    let isResumed: Bool

    /// What the client's certificate says, if it showed one.
    let peerCertificate: PeerCertificate?

    /// Whether it was said that there will be no more.
    private var isEnded = false

    /// Whether the peer wants the next key to be used, and was not told that it is.
    private var owesUpdate = false

    /// Whether the kernel seals: then nothing is sealed here, and what is to be said besides data waits for who sends.
    private(set) var isSealedByKernel = false
    private var alert: (level: UInt8, number: UInt8)?

    init(opening: consuming RecordKey, sealing: consuming RecordKey, isResumed: Bool, _ certificate: PeerCertificate?) {
        self.opening = opening
        self.sealing = sealing
        (self.isResumed, peerCertificate) = (isResumed, certificate)
    }

    // MARK: Out

    /// Seals bytes as so many records as they need, behind what is sealed in `records`. Says whether it could.
    mutating func seal(_ plain: UnsafeRawBufferPointer, _ records: TLSRecords) -> Bool {
        guard !isEnded else { return false }
        var place = 0
        while place < plain.count {
            let end = min(place + RecordCipher.plainBytesMax, plain.count)
            guard seal(UnsafeRawBufferPointer(rebasing: plain[place..<end]), .data, records) else { return false }
            place = end
        }
        return true
    }

    /// Seals that there will be no more.
    mutating func sealEnd(_ records: TLSRecords) {
        guard !isEnded else { return }
        isEnded = true
        _ = sealAlert(level: 1, 0, records)
    }

    private mutating func sealAlert(level: UInt8, _ number: UInt8, _ records: TLSRecords) -> Bool {
        if isSealedByKernel {
            alert = (level, number)
            return true
        }
        return withUnsafeBytes(of: (level, number)) { seal($0, .alert, records) }
    }

    private mutating func seal(_ plain: UnsafeRawBufferPointer, _ kind: Kind, _ records: TLSRecords) -> Bool {
        if sealing.number >= RecordKey.recordsMax || owesUpdate && kind == .data, !renew(records) { return false }
        return sealOne(plain, kind, records)
    }

    private mutating func sealOne(_ plain: UnsafeRawBufferPointer, _ kind: Kind, _ records: TLSRecords) -> Bool {
        let (start, count) = (records.sealedCount, plain.count + RecordCipher.overheadByteCount)
        let room = records.extend(by: count)
        let isSealed = records.cipher(sealing.suite).seal(plain, kind: kind.rawValue, &sealing, into: room)
        if !isSealed { records.truncate(to: start) }
        return isSealed
    }

    /// Says that what follows is sealed with the next key, which the peer need not do.
    private mutating func renew(_ records: TLSRecords) -> Bool {
        let isSealed = withUnsafeBytes(of: (UInt8(24), UInt8(0), UInt8(0), UInt8(1), UInt8(0))) {
            sealOne($0, .handshake, records)
        }
        sealing.update()
        owesUpdate = false
        return isSealed
    }

    // MARK: The kernel

    /// What the kernel is told so that it seals.
    mutating func kernelParameters() -> [UInt8] { sealing.kernelParameters() }

    /// Has the kernel seal from now on.
    mutating func leaveSealingToKernel() { isSealedByKernel = true }

    /// What is to be said besides data, once.
    mutating func takeAlert() -> (level: UInt8, number: UInt8)? {
        defer { alert = nil }
        return alert
    }

    // MARK: In

    /// Opens a record, and puts what it says to `room`.
    ///
    /// - Parameter mayAnswer: whether a peer that wants the next key to be used is told so at once. Else it is told once there is
    ///   something to say, however often it asked: one that reads nothing makes no answers wait for it.
    /// - Throws: if something is wrong with it. What the peer is to be told of that is sealed.
    mutating func open(
        _ record: UnsafeRawBufferPointer,
        into room: UnsafeMutableRawBufferPointer,
        _ records: TLSRecords,
        mayAnswer: Bool = true
    ) throws(TLSFault) -> Opened {
        do throws(RecordFault) {
            let opened = try openOne(record, into: room, records)
            if owesUpdate, mayAnswer { _ = renew(records) }
            return opened
        } catch {
            if let alert = error.alert { _ = sealAlert(level: 2, alert, records) }
            throw TLSFault("TLS: \(error.description)")
        }
    }

    private mutating func openOne(
        _ record: UnsafeRawBufferPointer,
        into room: UnsafeMutableRawBufferPointer,
        _ records: TLSRecords
    ) throws(RecordFault) -> Opened {
        guard record.count > RecordCipher.headByteCount, record[0] == Kind.data.rawValue else { throw .unexpected }
        // RFC 8446 §5.2: 256 bytes more than it says, at most.
        guard record.count <= RecordCipher.headByteCount + RecordCipher.plainBytesMax + 256 else { throw .overlong }
        guard let count = records.cipher(opening.suite).open(record, &opening, into: room) else { throw .changed }
        let plain = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(room)[..<count])
        guard let end = plain.lastIndex(where: { $0 != 0 }) else { throw .unexpected }
        guard end <= RecordCipher.plainBytesMax else { throw .overlong }
        let said = UnsafeRawBufferPointer(rebasing: plain[..<end])
        switch Kind(rawValue: plain[end]) {
        case .data: return said.count > 0 ? .data(said.count) : .nothing
        case .alert: return try hear(alert: said)
        case .handshake:
            try hear(handshake: said)
            return .nothing
        case nil: throw .unexpected
        }
    }

    private func hear(alert: UnsafeRawBufferPointer) throws(RecordFault) -> Opened {
        guard alert.count == 2 else { throw .malformed }
        switch alert[1] {
        case 0: return .end
        // Somebody stopped it; that it ends is said, too.
        case 90: return .nothing
        default: throw .told(alert[1])
        }
    }

    /// All that a client can still say is that its key is the next one. It must be the last of a record; nobody cuts these five bytes.
    private mutating func hear(handshake: UnsafeRawBufferPointer) throws(RecordFault) {
        guard handshake.count == 5, handshake.starts(with: [24, 0, 0, 1]) else { throw .unexpected }
        guard handshake[4] <= 1 else { throw .malformedUpdate }
        opening.update()
        // It wants ours to be the next one, too. The kernel cannot go on with another before Linux 6.14.
        guard handshake[4] == 1, !isEnded else { return }
        guard !isSealedByKernel else { throw .keptKey }
        owesUpdate = true
    }
}

/// What is wrong with a record, and what the peer is told of it, if anything: RFC 8446 §6.2.
private struct RecordFault: Error {
    let alert: UInt8?
    let description: String

    static let unexpected = RecordFault(alert: 10, description: "a record that has no place here")
    static let changed = RecordFault(alert: 20, description: "a record that was changed on its way")
    static let overlong = RecordFault(alert: 22, description: "a record that is too long")
    static let malformedUpdate = RecordFault(alert: 47, description: "an update of keys that is none")
    static let keptKey = RecordFault(alert: 80, description: "the kernel's key cannot be changed")
    static let malformed = RecordFault(alert: 50, description: "an alert that is none")

    /// The peer found something wrong.
    static func told(_ alert: UInt8) -> RecordFault {
        RecordFault(alert: nil, description: "the peer ended it with alert \(alert)")
    }
}
