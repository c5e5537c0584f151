import Broker
import CAllocations
import Hub
import Testing
import Wire

@testable import Backplane
@testable import Edge
@testable import Reactor

/// What the hot path costs the allocator, counted on a reactor that this thread drives itself, with real sockets.
@Suite("Allocations")
struct AllocationTests {
    private let edge: EdgeReactor
    private let name = ChannelName("a")!

    init() throws {
        var configuration = EdgeConfiguration()
        configuration.port = 0
        configuration.isClustered = true
        configuration.limits.compressionFlushBytes = 1
        let status = NodeStatus(uplink: UplinkMetrics(), reactors: [EdgeMetrics()])
        edge = try EdgeReactor(
            configuration: configuration,
            number: 0,
            inbox: Inbox(),
            uplink: Inbox(),
            tokens: Inbox(),
            hooks: Inbox(),
            node: status,
            metrics: status.reactors[0]
        )
    }

    @Test(
        "a delivery allocates nothing, whatever carries it",
        .enabled(if: callocations_are_counted()),
        arguments: [CarrierID.webSocket, .eventStream, .jsonStream]
    )
    func deliveries(_ carrier: CarrierID) throws {
        let encoding = Encoding(carrier, .perseid, isChunked: carrier.traits.contains(.isStream))
        var clients: [TestClient] = []
        for _ in 0..<20 { clients.append(try subscribe(encoding)) }
        let few = try allocations()
        for _ in 0..<100 { clients.append(try subscribe(encoding)) }
        let many = try allocations()
        #expect(few > 0, "a publication itself has memory of its own")
        #expect(many == few, "of 100 readers more")
        withExtendedLifetime(clients) {}
    }

    @Test(
        "a channel that is read in one way is three objects of 392 bytes together, and no array",
        .enabled(if: callocations_are_counted())
    )
    func channel() throws {
        let client = try subscribe(Encoding(.webSocket, .perseid, isChunked: false))
        let topic = try #require(edge.hub.topics[name])
        let feed = try #require(topic.feeds.first)
        let watched = WatchedChannel(name, limits: Limits())
        #expect(callocations_size(Unmanaged.passUnretained(topic).toOpaque()) <= 120)
        #expect(callocations_size(Unmanaged.passUnretained(feed).toOpaque()) <= 120)
        #expect(callocations_size(Unmanaged.passUnretained(watched).toOpaque()) <= 152)
        #expect(feed.memoryBytes == 0, "nothing was published")
        publish()
        #expect(feed.memoryBytes > 0)
        withExtendedLifetime(client) {}
    }

    @Test(
        "nor does one that is compressed, once for all",
        .enabled(if: callocations_are_counted()),
        arguments: [Compression.shared, .alone],
        [Encoding.Form.deflated, .deflatedAlone, .deflatedNarrow, .chunkedBody(.gzip), .chunkedBody(.deflate)]
    )
    func compressedDeliveries(_ compression: Compression, _ form: Encoding.Form) throws {
        edge.access.rules = try CompressingNode.rules([("**", compression)])
        let isBody = [Encoding.Form.chunkedBody(.gzip), .chunkedBody(.deflate)].contains(form)
        let encoding = Encoding(isBody ? .eventStream : .webSocket, .perseid, form)
        var clients: [TestClient] = []
        for _ in 0..<20 { clients.append(try subscribe(encoding)) }
        let few = try allocations()
        for _ in 0..<100 { clients.append(try subscribe(encoding)) }
        let many = try allocations()
        #expect(edge.metrics.hub.compressedMessages.value >= 80)
        #expect(many == few, "of 100 readers more")
        withExtendedLifetime(clients) {}
    }

    @Test(
        "to count what an address and a user want allocates nothing, whether they may have it or not",
        .enabled(if: callocations_are_counted())
    )
    func rates() throws {
        var limits = Limits()
        (limits.addressRequestsPerSecondMax, limits.userRequestsPerSecondMax) = (1_000_000, 1_000_000)
        (limits.addressCallsPerSecondMax, limits.userCallsPerSecondMax) = (1, 1)
        edge.node.rates.change(to: limits)
        // As a node of a cluster that hears its Redis has it.
        edge.node.uplink.isUp.set(1)
        let client = try TestClient(port: edge.listener.port)
        let before = edge.connections.count
        while edge.connections.count == before { edge.accept() }
        let slot = Slot(number: UInt32(before))
        let who = Credentials(identity: Identity(user: "a user whose name has no room in a string's own bytes"))
        func take(_ metered: Metered, _ count: Int) -> Int {
            var taken = 0
            for _ in 0..<count where edge.wait(for: metered, slot, who) == nil { taken += 1 }
            return taken
        }
        _ = (take(.request, 10), take(.call, 100))
        let start = callocations_count()
        let served = take(.request, 1_000)
        let refused = 1_000 - take(.call, 1_000)
        let count = callocations_count() - start
        #expect(served == 1_000 && refused == 1_000)
        #expect(count == 0)
        // Noted for the cluster, and too little to be told.
        let hash = try #require(MeteredUser(who)).hashValue
        #expect(edge.usersAhead.entry(of: .request, hash: hash)?.untoldNanoseconds == 1_010_000)
        withExtendedLifetime(client) {}
    }

    private func subscribe(_ encoding: Encoding) throws -> TestClient {
        let client = try TestClient(port: edge.listener.port)
        let before = edge.connections.count
        while edge.connections.count == before { edge.accept() }
        let slot = Slot(number: UInt32(before))
        edge.connections[live: slot].pointee.client.encoding = encoding
        if encoding.hasContentCoding { edge.hub.beginCodedBody(slot.client) }
        edge.hub.join(slot.client, [(name, nil)])
        if edge.hub.topics[name]?.isOpen == false { edge.receive(.opened(name, head: .start)) }
        while edge.endOfTurn() {}
        return client
    }

    /// What twenty publications allocate, once everything has the size it needs.
    private func allocations() throws -> UInt64 {
        for _ in 0..<20 { publish() }
        let delivered = edge.metrics.hub.deliveries.value
        let before = callocations_count()
        for _ in 0..<20 { publish() }
        let count = callocations_count() - before
        #expect(edge.metrics.hub.deliveries.value == delivered + 20 * edge.connections.count)
        return count
    }

    private func publish() {
        let previous = edge.hub.topics[name]?.last ?? .start
        let payload = Payload(kind: .json, bytes: Array("{\"price\":1}".utf8))
        edge.receive(
            .publication(name, Publication(position: previous.successor, previous: previous, payload: payload))
        )
        while edge.endOfTurn() {}
    }
}
