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

    func read(_ reply: RedisReply, _ context: RedisContext) throws(RedisNonsense) -> (
        found: FoundChannels, next: String
    ) {
        guard reply.count >= 2, let milliseconds = UInt64(reply[1].text) else {
            throw RedisNonsense(kind: "channels", what: reply.text)
        }
        var channels: [(name: ChannelName, head: Position)] = []
        for index in stride(from: 2, to: reply.count - 1, by: 2) {
            guard let name = context.keys.channelName(tag: reply[index].bytes),
                let head = reply[index + 1].position
            else { continue }
            channels.append((name, head))
        }
        let next = reply[0].text
        let isLast = next == "0" && isLastMaster
        return (FoundChannels(channels: channels, milliseconds: milliseconds, isLast: isLast), next)
    }

    func tell(
        _ delegate: any BackplaneDelegate,
        _ outcome: Result<(found: FoundChannels, next: String), BackplaneFailure>
    ) {
        switch outcome {
        case .success(let (found, next)):
            if !found.isLast { findMore(next == "0" ? nil : next) }
            delegate.found(found)
        case .failure: delegate.found(nil)
        }
    }
}

/// Says which patterns a node still hears.
struct RedisHear: RedisCommand {
    typealias Answer = Void

    let patterns: [ChannelName]

    /// Patterns of one question: some 100 µs of Redis.
    static let patternsMax = 500

    var lane: RedisLane.Kind { .upkeep }
    var isAboutKey: Bool { false }
    var carriedBytes: Int { patterns.count * RedisCommandBytes.listed }

    func key(_ keys: RedisKeys) -> String { keys.channel(patterns[0]) }

    func write(to buffer: inout RedisCommandBuffer, _ context: RedisContext) {
        let tags: [RedisArgument] = patterns.map { .text(context.keys.tag(of: $0)) }
        buffer.append(["FCALL_RO", "perseid_hear", "0", .text(context.keys.prefix)] + tags)
    }
}
