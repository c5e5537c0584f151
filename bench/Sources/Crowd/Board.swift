internal import CBench

/// The file that `bench/million` and all its crowds share: what there is, and what each of them has seen.
///
/// `million_harness/board.py` makes it, writes its head, ports and how much was published, and reads the rest. A crowd
/// writes its own counters and histograms alone; the clients of a node and the deliveries of a publication are counted
/// by all, so these words are changed by atomic instructions.
struct Board {
    static let magic: UInt32 = 0x4d49_4c31
    static let nodeCapacity = 512
    static let crowdCapacity = 512
    static let nodesOffset = 4096
    static let nodeByteCount = 16
    static let crowdsOffset = nodesOffset + nodeCapacity * nodeByteCount
    static let crowdByteCount = 16_384
    static let histogramsOffset = 512
    static let channelsOffset = crowdsOffset + crowdCapacity * crowdByteCount
    static let publicationByteCount = 16

    let nodeCount: Int
    /// The kinds of channels: one that all read, those of a thousand readers each, those of ten.
    let channelCounts: [UInt32]
    let publicationCapacity: UInt32

    private let bytes: UnsafeMutableRawPointer
    private let crowd: UnsafeMutableRawPointer
    private let published: UnsafeMutablePointer<UInt32>
    private let publications: UnsafeMutableRawPointer

    init(path: String, byteCount: Int, crowdNumber: Int) throws {
        guard byteCount >= Board.channelsOffset, (0..<Board.crowdCapacity).contains(crowdNumber),
            let bytes = bench_map_file(path, byteCount)
        else { throw Refusal(description: "\(path) cannot be mapped") }
        self.init(bytes: bytes, crowdNumber: crowdNumber)
        guard bytes.load(as: UInt32.self) == Board.magic else { throw Refusal(description: "\(path) is no board") }
    }

    init(bytes: UnsafeMutableRawPointer, crowdNumber: Int) {
        let head = bytes.assumingMemoryBound(to: UInt32.self)
        self.bytes = bytes
        nodeCount = Int(head[1])
        channelCounts = [1, head[2], head[3]]
        publicationCapacity = head[4]
        crowd = bytes + Board.crowdsOffset + crowdNumber * Board.crowdByteCount
        published = (bytes + Board.channelsOffset).assumingMemoryBound(to: UInt32.self)
        let channelByteCount = 4 * Int(1 + head[2] + head[3])
        publications = bytes + Board.channelsOffset + (channelByteCount + 15) / 16 * 16
    }

    // MARK: Nodes

    func port(ofNode node: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: (nodeAddress(node)).load(as: UInt32.self))
    }

    /// How many clients of all crowds have a node, or are about to.
    func clients(ofNode node: Int) -> Int32 { (nodeAddress(node) + 4).load(as: Int32.self) }

    func changeClients(ofNode node: Int, by difference: Int32) {
        _ = bench_add32((nodeAddress(node) + 4).assumingMemoryBound(to: Int32.self), difference)
    }

    private func nodeAddress(_ node: Int) -> UnsafeMutableRawPointer {
        bytes + Board.nodesOffset + node * Board.nodeByteCount
    }

    // MARK: What was published

    /// How many publications a channel has had: the sequence number of its last one.
    func publishedCount(_ channel: Int) -> UInt32 { published[channel] }

    @inline(__always)
    func noteDelivery(of publication: UInt32, at nanoseconds: UInt64) {
        guard publication < publicationCapacity else { return }
        let entry = publications + Int(publication) * Board.publicationByteCount
        bench_raise64(entry.assumingMemoryBound(to: UInt64.self), nanoseconds)
        _ = bench_add32((entry + 8).assumingMemoryBound(to: Int32.self), 1)
    }

    // MARK: What this crowd has seen

    @inline(__always)
    func count(_ counter: Counter, by difference: Int = 1) {
        crowd.assumingMemoryBound(to: Int64.self)[counter.rawValue] &+= Int64(difference)
    }

    func set(_ counter: Counter, to value: Int) {
        crowd.assumingMemoryBound(to: Int64.self)[counter.rawValue] = Int64(value)
    }

    func value(_ counter: Counter) -> Int { Int(crowd.assumingMemoryBound(to: Int64.self)[counter.rawValue]) }

    @inline(__always)
    func record(_ kind: Histogram, microseconds: UInt64) {
        let buckets = (crowd + Board.histogramsOffset).assumingMemoryBound(to: UInt32.self)
        buckets[kind.rawValue * Histogram.bucketCount + Histogram.bucket(of: microseconds)] &+= 1
    }
}

/// Why a crowd does not begin.
struct Refusal: Error, CustomStringConvertible {
    let description: String
}
