import Broker

// A client that polls: the answer counts once it is whole, and says where the next one begins.
extension SimulatedClient {
    func takePolled(_ message: Message, _ connection: SimulatedConnection) {
        switch message {
        case .bye(let code):
            note("is answered \(code), \(self.answer.count) messages")
            if code == 200 { takeAnswer(connection) }
            if code == 4_003 { token = nil }
            takeLeave(of: connection)
        case .refused: takeLeave(of: connection)
        default: answer.append(message)
        }
    }

    private func takeAnswer(_ connection: SimulatedConnection) {
        lastNode = connection.edge.nodeName
        for message in answer {
            if case .welcome(let number) = message { token = simulation.tokens[number] } else { check(message) }
        }
    }
}
