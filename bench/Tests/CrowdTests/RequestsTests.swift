import Testing

@testable import Crowd

/// How clients ask for channels, and come back.
@Suite struct RequestsTests {
    private let channels = Channels(counts: [1, 2, 20])

    @Test func theFirstRequestNamesChannels() {
        var state = Client()
        state.joined = 0b101
        let text = request(.webSocket, state, session: nil)
        #expect(text.hasPrefix("GET /ws?channel=all&channel=ten/5&session=none HTTP/1.1\r\n"))
    }

    @Test func aReturnTellsWhatIsKnown() {
        var state = Client()
        (state.joined, state.known, state.isReturning) = (0b111, 0b101, true)
        state[positionOf: 0] = Position(milliseconds: 1_795_827_736_385, number: 2)
        state[positionOf: 2] = Position(milliseconds: 7, number: 0)
        let text = request(.sessions, state, session: "token")
        #expect(text.hasPrefix("GET /ws?session=token&cursor=all@1795827736385-2,ten%252F5@7-0 HTTP/1.1\r\n"))
    }

    @Test func ordersAreReadAcrossPieces() {
        var orders = Orders()
        #expect(orders.parse("connect 32 ") == [])
        #expect(
            orders.parse("1\nsubscribe 8 2\nsettle\nche") == [
                .connect(underWay: 32, kinds: 1), .subscribe(underWay: 8, kind: 2), .settle,
            ]
        )
        #expect(orders.parse("ck\n") == [.check])
        #expect(!orders.isOver)
        #expect(orders.parse("quit\n") == [])
        #expect(orders.isOver)
    }

    private func request(_ carrier: Requests.Carrier, _ state: Client, session: String?) -> String {
        let requests = Requests(carrier: carrier, channels: channels)
        return String(decoding: requests.connect(state, client: 25, session: session), as: UTF8.self)
    }
}
