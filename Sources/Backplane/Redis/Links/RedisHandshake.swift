internal import Broker

/// How a connection to Redis begins, whatever it is for: who we are, what the server is, which of its databases.
struct RedisHandshake {
    /// One question of it.
    enum Step {
        case authenticate
        case hello
        case select
    }

    let address: RedisAddress

    /// Whether the server is to be a node of a cluster, or is to be none.
    var isClustered = false

    /// The questions, in their order, of a connection that asks and writes.
    var steps: [Step] {
        (address.password == nil ? [] : [.authenticate]) + [.hello] + (address.database == 0 ? [] : [.select])
    }

    /// The same of one that only hears what is published. Pub/sub knows no databases, and what the server is, the other one
    /// asks, which this one follows.
    var stepsOfListener: [Step] { steps.filter { $0 == .authenticate } }

    /// The words of a question.
    func words(of step: Step) -> [RedisArgument] {
        switch step {
        case .authenticate: ["AUTH"] + (address.user.map { [.text($0)] } ?? []) + [.text(address.password ?? "")]
        case .hello: ["HELLO"]
        case .select: ["SELECT", .text(String(address.database))]
        }
    }

    /// Why the connection is of no use, going by an answer; `nil` if nothing is wrong so far.
    func objection(to reply: RedisReply, of step: Step) -> String? {
        switch step {
        case .authenticate, .select: reply.error
        // No ACL forbids it, and a server that does not know it is tried.
        case .hello: reply.error == nil ? objection(toServer: reply) : nil
        }
    }

    /// Redis says of itself what it is.
    private func objection(toServer reply: RedisReply) -> String? {
        var facts: [String: String] = [:]
        for index in stride(from: 0, to: reply.count - 1, by: 2) { facts[reply[index].text] = reply[index + 1].text }
        return switch (facts["mode"], facts["role"]) {
        case ("cluster", _) where !isClustered:
            "this is a node of a Redis Cluster: the redis URL must begin with redis+cluster://"
        case ("standalone", _) where isClustered:
            "this is not a node of a Redis Cluster: the redis URL must begin with redis://"
        case ("sentinel", _): "this is a Redis Sentinel: the redis URL must name the master"
        case (_, "replica"), (_, "slave"): "READONLY this is a replica: the redis URL must name the master"
        default: nil
        }
    }
}
