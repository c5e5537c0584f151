internal import Broker

/// Looks through a part of the keys for channels that patterns stand for; the next part is asked for when it is answered, so that
/// nobody waits for more than that.
struct RedisFind: RedisCommand {
    let patterns: PatternSet

    /// Where the scan stands, as Redis says it; it begins and ends with 0.
    let cursor: String

    /// Whether no other master has channels that are looked for behind this one's.
    let isLastMaster: Bool

    /// Asks for the next part; `nil` for the first one of the next master.
    let findMore: (_ cursor: String?) -> Void

    /// Tells of channels and their heads what is asked of others than this master; nothing if nobody can say.
    let readHeads: ([ChannelName], _ tell: @escaping ([(name: ChannelName, head: Position)]?) -> Void) -> Void

    /// Keys that one part looks at: some half a millisecond of Redis.
    static let keysPerPart: UInt64 = 1_000

    var lane: RedisLane.Kind { .opening }
    var isAboutKey: Bool { false }

    func key(_ keys: RedisKeys) -> String { keys.channel(patterns.names[0]) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let tags: [RedisArgument] = patterns.names.map { .text(context.keys.tag(of: $0)) }
        let words: [RedisArgument] =
            [
                "FCALL", "perseid_find", "0", .text(context.keys.prefix), tags[0], .text(cursor),
                .number(Self.keysPerPart),
            ]
            + tags.dropFirst()
        buffer.begin(argumentCount: words.count)
        for word in words { buffer.append(word) }
    }

    /// What a part has.
    struct Part {
        var channels: [(name: ChannelName, head: Position)] = []

        /// Channels whose slot is on its way to this master, which tells of them only who is sent there.
        var unread: [ChannelName] = []
        let milliseconds: UInt64
        let next: String
    }

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> Part {
        guard reply.count >= 2, let milliseconds = UInt64(reply[1].text) else {
            throw RedisNonsense(kind: "channels", what: reply.text)
        }
        var part = Part(milliseconds: milliseconds, next: reply[0].text)
        for index in stride(from: 2, to: reply.count - 1, by: 2) {
            guard let name = context.keys.channelName(tag: reply[index].bytes) else { continue }
            if let head = reply[index + 1].position {
                part.channels.append((name, head))
            } else if reply[index + 1].bytes.isEmpty {
                part.unread.append(name)
            }
        }
        return part
    }

    func tell(_ delegate: any BackplaneDelegate, _ outcome: Result<Part, BackplaneFailure>) {
        guard case .success(let part) = outcome else { return delegate.found(nil) }
        if part.unread.isEmpty { return tell(delegate, part) }
        readHeads(part.unread) { heads in
            guard let heads else { return delegate.found(nil) }
            var part = part
            part.channels += heads
            tell(delegate, part)
        }
    }

    private func tell(_ delegate: any BackplaneDelegate, _ part: Part) {
        let isLast = part.next == "0" && isLastMaster
        if !isLast { findMore(part.next == "0" ? nil : part.next) }
        delegate.found(FoundChannels(channels: part.channels, milliseconds: part.milliseconds, isLast: isLast))
    }
}

/// Says which patterns a node still hears.
struct RedisHear: RedisCommand {
    typealias Answer = Void

    let patterns: [ChannelName]

    /// Patterns of one question: some 100 µs of Redis.
    static let patternsMax = 500

    /// The function library forgets after 90 s, or takes for unheard, what no node says it hears.
    static let pauseMillisecondsMax: UInt64 = 30_000

    var lane: RedisLane.Kind { .upkeep }
    var isAboutKey: Bool { false }
    var carriedBytes: Int { patterns.count * RedisCommandBytes.listed }

    func key(_ keys: RedisKeys) -> String { keys.channel(patterns[0]) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let tags: [RedisArgument] = patterns.map { .text(context.keys.tag(of: $0)) }
        buffer.append(["FCALL_RO", "perseid_hear", "0", .text(context.keys.prefix)] + tags)
    }
}
