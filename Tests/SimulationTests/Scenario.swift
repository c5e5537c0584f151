import Broker

/// What kind of world a seed makes: how large, how slow, and how often what goes wrong. A fault "once in" zero times
/// never happens.
struct Scenario {
    var nodeCount: Int
    var reactorCount: Int
    var clientCount: Int
    var channelCount: Int
    var stepCount: Int
    var limits = Limits()

    /// Bytes of a client's socket, and how often a reader is slow.
    var socketBytes: Int
    var slowClientOnceIn: Int
    /// Steps of one kind that an edge has time for in a turn; 0 is all of them.
    var stepsPerSliceMax: Int
    /// How often a node's edge, or its uplink, has no turn in a step.
    var edgeSleepsOnceIn: Int
    var uplinkSleepsOnceIn: Int

    /// Milliseconds on the way to Redis and back.
    var delayMax: Int
    /// Messages of the bus that get lost one by one, come twice, or out of turn.
    var messageLostOnceIn: Int
    var messageRepeatedOnceIn: Int
    var requestRefusedOnceIn: Int
    var pongLostOnceIn: Int

    /// Weights of what may happen in a step.
    var linkLossWeight: Int
    var freezeWeight: Int
    var failOverWeight: Int
    var flushWeight: Int
    var trimWeight: Int
    var crashWeight: Int
    var moveWeight: Int
    var watchWeight: Int
    var clockGoesBack: Bool

    /// Masters that share the channels, each with faults of its own: one in half of the worlds. Not drawn, nor is how often one stands still
    /// or is replaced without knowing it: a seed stays the world that it was.
    let masterCount: Int
    var stallWeight = 0
    var replaceWeight = 0

    /// Which channels are keyed, and how often readers are told.
    let keyed: KeyedScenario

    /// What may be compressed, by channel; nothing in more than half of the worlds. Not drawn: a seed stays the world that it was.
    private let compressions: [Compression]

    init(_ random: SeededRandom, seed: UInt64) {
        keyed = KeyedScenario(seed: seed)
        compressions = Self.compressions(seed)
        masterCount = Self.masterCounts[Int(seed % 11)] ?? 1

        nodeCount = random.number(1...3)
        reactorCount = random.number(1...2)
        clientCount = random.number(2...7)
        channelCount = random.number(1...3)
        stepCount = random.number(150...350)
        socketBytes = random.once(in: 2) ? 100_000 : random.number(150...1_500)
        slowClientOnceIn = random.once(in: 2) ? 0 : random.number(1...3)
        stepsPerSliceMax = random.once(in: 2) ? 0 : random.number(1...3)
        edgeSleepsOnceIn = random.element(of: [0, 4, 2])!
        uplinkSleepsOnceIn = random.element(of: [0, 4, 2])!
        delayMax = random.element(of: [0, 5, 40, 300])!
        messageLostOnceIn = random.element(of: [0, 0, 30, 8])!
        messageRepeatedOnceIn = random.element(of: [0, 0, 30, 8])!
        requestRefusedOnceIn = random.element(of: [0, 0, 40, 10])!
        pongLostOnceIn = random.element(of: [0, 2, 1])!
        linkLossWeight = random.element(of: [0, 2, 6])!
        freezeWeight = random.element(of: [0, 0, 2])!
        let losesWrites = random.once(in: 2)
        failOverWeight = losesWrites ? random.number(1...3) : 0
        flushWeight = losesWrites ? random.number(0...1) : 0
        trimWeight = random.number(0...2)
        crashWeight = random.element(of: [0, 1, 3])!
        moveWeight = random.element(of: [1, 4, 10])!
        clockGoesBack = losesWrites && random.once(in: 3)

        watchWeight = random.element(of: [0, 1, 3])!
        if masterCount > 1 {
            stallWeight = [0, 1, 2][Int(seed / 11 % 3)]
            replaceWeight = losesWrites ? [0, 1, 2][Int(seed / 33 % 3)] : 0
        }
        limits.fanoutQuantumMembers = random.element(of: [1, 2, 32])!
        limits.inboxDepthMax = random.once(in: 2) ? 65_536 : random.number(2...12)
        limits.windowBytesMax = random.number(300...2_000)
        limits.outboxBytesMax = random.once(in: 2) ? 100_000 : random.number(2_000...4_000)
        limits.replayAheadBytesMax = 200
        limits.historyCountMax = random.element(of: [5, 20, 100])!
        limits.tailBytesMax = random.element(of: [200, 100_000])!
        limits.readCountMax = random.element(of: [4, 10_000])!
        limits.readBytesMax = random.element(of: [300, 1_048_576])!
        limits.replayBytesMax = random.element(of: [300, 1_048_576])!
        limits.pollBytesMax = random.element(of: [200, 1_048_576])!
        limits.lingerMilliseconds = UInt64(random.number(0...1_500))
        limits.openMilliseconds = UInt64(random.number(2_000...4_000))
        limits.checkpointMilliseconds = UInt64(random.number(250...1_000))
        limits.pollMilliseconds = UInt64(random.number(250...2_000))
        limits.resumeMilliseconds = UInt64(random.element(of: [1_000, 4_000, 60_000])!)
        limits.presenceLeaseMilliseconds = UInt64(random.number(1_000...4_000))
        limits.redisMilliseconds = 1_000
        limits.sessionLeaseMilliseconds = [1_000, 4_000, 60_000][Int(seed % 3)]
        limits.keysMax = keyed.keysMax
        limits.compressionFlushBytes = [1, 300, 2_000][Int(seed % 3)]
        limits.compressedFeedsMax = seed % 4 == 0 ? 1 : 256
        limits.compressedMessageBytesMin = [1, 32, 120][Int(seed / 3 % 3)]
        limits.compressionIdleMilliseconds = [100, 1_000, 60_000][Int(seed / 9 % 3)]
    }

    /// By the seed's remainder. The seeds that once found something are of the others.
    private static let masterCounts = [2: 2, 5: 3, 7: 2, 8: 3, 9: 2, 10: 3]

    /// The longest frame: an event with a cursor of all channels.
    static let frameBytesMax = 512

    /// The policy of a channel.
    func policy(of channel: Int) -> SlowReaderPolicy {
        keyed.isKeyed(channel) ? keyed.policy(of: channel) : SlowReaderPolicy.allCases[channel % 3]
    }

    /// Whether some channel is compressed.
    var compresses: Bool { compressions.contains { $0 != .off } }

    /// What a channel's messages may be compressed with.
    func compression(of channel: Int) -> Compression { compressions[channel % compressions.count] }

    private static func compressions(_ seed: UInt64) -> [Compression] {
        // The seeds that once found something are of the others.
        guard [0, 2, 6].contains(seed % 7) else { return [.off] }
        let all: [[Compression]] = [
            [.shared], [.shared, .shared, .alone], [.shared, .off, .shared], [.alone], [.alone, .shared, .off],
        ]
        return all[Int(seed / 7 % 5)]
    }

    /// Faults stop.
    mutating func calm() {
        slowClientOnceIn = 0
        stepsPerSliceMax = 0
        edgeSleepsOnceIn = 0
        uplinkSleepsOnceIn = 0
        delayMax = min(delayMax, 5)
        messageLostOnceIn = 0
        messageRepeatedOnceIn = 0
        requestRefusedOnceIn = 0
        pongLostOnceIn = 0
    }
}
