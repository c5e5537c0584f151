import Testing

@testable import Floor

@Suite struct WaitingClientsTests {
    @Test func answersGoToClientsInTurn() {
        var clients = WaitingClients()
        for descriptor in [7, 9, 7] as [Int32] { clients.append(descriptor) }
        #expect((0..<4).map { _ in clients.takeFirst() } == [7, 9, 7, nil])
    }

    @Test func anAnswerForAClosedClientGoesToNobody() {
        var clients = WaitingClients()
        for descriptor in [7, 9] as [Int32] { clients.append(descriptor) }
        clients.forget(7)
        // The next connection has the closed one's descriptor.
        clients.append(7)
        #expect((0..<3).map { _ in clients.takeFirst() } == [nil, 9, 7])
    }
}
