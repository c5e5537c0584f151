internal import Broker

/// What a command link asks: what its owner wants to know, or what it has to settle with Redis itself.
enum RedisQuestion {
    case handshake(RedisHandshake.Step)
    case version
    /// Loads the function library; in place of an older one, or only where there is none.
    case install(replaces: Bool)
    /// Whether anything may be written, and what Redis does when memory is short.
    case writable
    /// A sign of life; or an answer that stands before those of this turn's publishes, see `RedisCommandLink.sendWaiting`.
    case ping
    /// The node lives, on a lease: answered with 0 where another process does by its name.
    case live(facts: String)
    /// What follows is sent where its slot is under way to.
    case asking
    /// How many replicas have all that was written on this link, once it are so many or some milliseconds are over.
    case wait(replicas: Int, milliseconds: UInt64)
    /// The node goes in order.
    case retire
    case command(any RedisCommand)

    /// Appends its words.
    func write(to buffer: inout RedisCommandBuffer, _ handshake: RedisHandshake, _ context: RedisContext) {
        switch self {
        case .handshake(let step): buffer.append(handshake.words(of: step))
        case .version: buffer.append(["FCALL_RO", "perseid_version", "0"])
        case .install(let replaces):
            buffer.append(["FUNCTION", "LOAD"] + (replaces ? ["REPLACE"] : []) + [.bytes(RedisFunctions.source)])
        case .writable: buffer.append(["FCALL", "perseid_writable", "0"])
        case .asking: buffer.append(["ASKING"])
        case .wait(let replicas, let milliseconds):
            buffer.append(["WAIT", .text(String(replicas)), .number(milliseconds)])
        case .ping: buffer.append(["PING"])
        case .live(let facts):
            let lease = RedisArgument.number(context.limits.nodeLeaseMilliseconds)
            let marks = context.masterMarks
            let keys: [RedisArgument] =
                marks.isEmpty ? ["1", context.nodeKey] : ["2", context.nodeKey, .text(context.keys.moves)]
            buffer.append(["FCALL", "perseid_live"] + keys + [context.incarnation, .text(facts), lease] + marks)
        case .retire: buffer.append(["DEL", context.nodeKey])
        case .command(let command): command.write(to: &buffer, context)
        }
    }
}

/// A question that Redis has not answered.
struct RedisPending {
    let question: RedisQuestion
    let sentAt: UInt64
    /// Sent for the second time; there is no third.
    let isRepeated: Bool
}
