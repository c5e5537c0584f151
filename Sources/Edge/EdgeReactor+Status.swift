internal import Broker
internal import Reactor
internal import Wire

extension EdgeReactor {
    func answerReadiness(_ index: UInt32) {
        if node.isReady { return answer(index, contentType: "application/json", literal("{\"status\":\"ready\"}")) }
        refuse(index, status: 503, node.isDraining ? "the node is going away" : "the backplane is away") {
            $0.append(field: "Retry-After", 1)
        }
    }

    func answerMetrics(_ index: UInt32) {
        let text = MetricsText(node)
        answer(index, contentType: "text/plain; version=0.0.4; charset=utf-8", text.bytes)
    }

    func answerDemo(_ index: UInt32) {
        PackageResources.demo_html.withUnsafeBytes { page in
            answer(index, contentType: "text/html; charset=utf-8", page) {
                $0.append(
                    field: "Content-Security-Policy",
                    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:"
                )
                $0.append(field: "X-Content-Type-Options", "nosniff")
                $0.append(field: "Cache-Control", "no-cache")
            }
        }
    }

    // MARK: Ending

    /// Connections let go in one tick while draining: a hundredth of them, so that 20 s are enough and the nodes that
    /// take them over are not flooded.
    private static let drainShare = 40

    /// Stops accepting and begins to let clients go.
    func beginDraining() {
        guard drainDeadlineTick == nil else { return }
        node.isDraining = true
        listener.close()
        isListening = false
        drainDeadlineTick = reactor.tick(afterMilliseconds: limits.drainMilliseconds)
        goOnDraining(reactor.currentTick, deadline: drainDeadlineTick!)
    }

    /// Lets go of a batch, and ends when nobody is left or the time is up.
    func goOnDraining(_ tick: UInt32, deadline: UInt32) {
        var batch = max(connections.count / Self.drainShare, 64)
        for index in 0..<UInt32(connections.slotCount) where batch > 0 && connections.isLive(index) {
            let connection = connections[live: index]
            guard connection.pointee.flags.isDisjoint(with: [.isClosed, .isClosing, .isAnswering]) else { continue }
            batch -= 1
            sayBye(
                index,
                .drain,
                afterMilliseconds: UInt64.random(in: 0...limits.drainMilliseconds / 4, using: &spread)
            )
        }
        let isOver = Int32(bitPattern: tick &- deadline) >= 0
        let isEmpty = connections.count == graveyard.count
        // The first may host the uplink, which the others need until they end.
        if isOver || isEmpty && (index > 0 || node.edgesRunning == 1) { finish() }
    }
}
