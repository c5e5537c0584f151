internal import Backplane
internal import Broker
internal import Hub
internal import Text
internal import Wire

// The JSON of what operators are answered.

extension ClusterQuestion.Act {
    /// What the answer calls the number of those who did it.
    fileprivate var participle: StaticString {
        switch self {
        case .describe: "count"
        case .disconnect: "disconnected"
        case .subscribe: "subscribed"
        case .unsubscribe: "unsubscribed"
        }
    }
}

extension ByteBuffer {
    private mutating func append(_ subject: ClusterQuestion.Subject) {
        switch subject {
        case .user(let name):
            append("{\"user\":")
            appendJSONString(name)
        case .session(let id):
            append("{\"session\":")
            appendJSONString("\(id)")
        case .address(let address):
            append("{\"address\":")
            appendJSONString("\(address)")
        }
    }

    /// `{"user":…,"connections":[…],"count":…,"complete":…}`, or how many did what they should.
    mutating func append(_ part: ClusterPart, _ isComplete: Bool, to question: ClusterQuestion) {
        append(question.subject)
        if question.act == .describe { appendConnections(part) }
        append(",\"")
        append(question.act.participle)
        append("\":")
        append(decimal: UInt64(clamping: part.count))
        append(isComplete ? ",\"complete\":true}" : ",\"complete\":false}")
    }

    private mutating func appendConnections(_ part: ClusterPart) {
        append(",\"connections\":[")
        append(part.items)
        append("]")
    }

    /// `{"session":…,"node":…,"channels":[{"channel":…,"position":…}],"connections":[…],"complete":…}`
    mutating func append(
        _ facts: SessionFacts,
        of id: SessionID,
        _ part: ClusterPart,
        _ isComplete: Bool
    ) {
        append(.session(id))
        append(",\"node\":")
        if let node = facts.node { appendJSONString(node) } else { append("null") }
        append(",\"channels\":")
        append(list: facts.positions) { position, buffer in
            buffer.append("{\"channel\":")
            buffer.appendJSONString(position.channel.text)
            if let place = position.position { Envelope.append(",\"position\":", place.numbers, to: &buffer) }
            buffer.append("}")
        }
        appendConnections(part)
        append(isComplete ? ",\"complete\":true}" : ",\"complete\":false}")
    }

    /// `{"channels":[{"channel":…,"position":…}],"next":…}`, and the same of sessions and nodes.
    mutating func append(_ page: InventoryPage, of kind: Inventory.Kind) {
        switch kind {
        case .channels: append("{\"channels\":")
        case .sessions: append("{\"sessions\":")
        case .nodes: append("{\"nodes\":")
        }
        append(list: page.items) { item, buffer in
            switch item {
            case .channel(let name, let head):
                buffer.append("{\"channel\":")
                buffer.appendJSONString(name.text)
                Envelope.append(",\"position\":", head.numbers, to: &buffer)
            case .session(let id, let node):
                buffer.append("{\"session\":")
                buffer.appendJSONString("\(id)")
                buffer.append(",\"node\":")
                if let node { buffer.appendJSONString(node) } else { buffer.append("null") }
            case .node(let name, let facts):
                buffer.append("{\"node\":")
                buffer.appendJSONString(name)
                // What it says of itself is an object.
                if facts.count > 2 { buffer.append(",") }
                buffer.append(facts.dropFirst().dropLast())
            }
            buffer.append("}")
        }
        append(",\"next\":")
        if let next = page.next { appendJSONString(next) } else { append("null") }
        append("}")
    }
}
