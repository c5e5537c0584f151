internal import CBench

/// One run from the first connect to the result.
///
/// The measured window begins and ends in quiet: everything published before has been delivered at its start, and
/// everything published in it at its end. So no delivery is counted whose cost fell outside, and a server that
/// acknowledges faster than it delivers is charged for its backlog.
final class Measurement {
    private let plan: Plan
    private let ledger: Ledger
    private let servers: [Int32]
    private var generators: [Int32] = [bench_process_id()]

    /// How long connections may take until the run is given up.
    private static let connectPatienceSeconds = 120.0
    /// Longer than a worker takes to set up its memory.
    private static let forkSettleSeconds = 0.2
    private static let pollNanoseconds: UInt64 = 2_000_000

    init(plan: Plan) {
        self.plan = plan
        ledger = Ledger(workerCount: plan.workerCount, sourceCount: plan.traffic.sourceCount)
        servers = ProcessCost.family(of: plan.serverProcesses)
    }

    func run() throws -> Result {
        // The workers exist before memory is first read: they share library pages with the servers, and PSS divides
        // a page by those who map it.
        let workers = try Workers(plan: plan, ledger: ledger)
        generators += workers.processes
        sleep(seconds: Self.forkSettleSeconds)
        let bytesBefore = ProcessCost.proportionalByteCount(of: servers)
        let costBefore = ProcessCost(of: servers)
        let start = bench_monotonic_nanoseconds()
        ledger.isStarted = true
        try awaitConnections()
        let connectSeconds = seconds(since: start)
        sleep(seconds: plan.settleSeconds)
        let connecting = connecting(connectSeconds, bytesBefore, costBefore)
        report("connected \(plan.connectionCount) in \(connectSeconds) s")

        let window = try plan.measuredSeconds > 0 ? measureWindow() : nil
        ledger.isFinished = true
        let seen = try workers.finish()
        return result(connecting, window, seen)
    }

    // MARK: Connecting

    private func awaitConnections() throws {
        let start = bench_monotonic_nanoseconds()
        while ledger.total(.ready) + ledger.total(.failed) < plan.connectionCount {
            sleep(nanoseconds: Self.pollNanoseconds)
            guard seconds(since: start) < Self.connectPatienceSeconds else {
                throw InvalidMeasurement(description: "only \(ledger.total(.ready)) connections became ready")
            }
        }
        guard ledger.total(.failed) == 0 else {
            throw InvalidMeasurement(description: "\(ledger.total(.failed)) connections failed")
        }
    }

    private func connecting(_ seconds: Double, _ bytesBefore: Int, _ costBefore: ProcessCost) -> Result.Connecting {
        let cost = ProcessCost(of: servers) - costBefore
        let bytesAfter = ProcessCost.proportionalByteCount(of: servers)
        return Result.Connecting(
            seconds: seconds,
            serverMicrosecondsPerConnect: cost.seconds * 1e6 / Double(plan.connectionCount),
            generatorSeconds: ProcessCost(of: generators).seconds,
            proportionalBytesBefore: bytesBefore,
            proportionalBytesAfter: bytesAfter,
            proportionalBytesPerConnection: Double(bytesAfter - bytesBefore) / Double(plan.connectionCount)
        )
    }

    // MARK: The window

    private func measureWindow() throws -> Result.Window {
        let pool = try PublisherPool(plan: plan, ledger: ledger)
        if plan.warmUpSeconds > 0 {
            try pool.publish(seconds: plan.warmUpSeconds)
            awaitDeliveries()
            pool.resetCounts()
        }
        report("measuring")
        let before = Snapshot(servers, ProcessCost.family(of: plan.auxiliaryProcesses), generators, ledger)
        let expectedBefore = expectedDeliveries
        ledger.windowStartNanoseconds = before.nanoseconds
        try pool.publish(seconds: plan.measuredSeconds)
        awaitDeliveries()
        let after = Snapshot(servers, ProcessCost.family(of: plan.auxiliaryProcesses), generators, ledger)
        report("measured")
        return window(pool, before, after, expectedDeliveries: expectedDeliveries - expectedBefore)
    }

    /// What was acknowledged so far, times the members of each channel.
    private var expectedDeliveries: Int {
        (0..<plan.traffic.sourceCount).reduce(0) { total, source in
            let members = plan.memberCount(ofChannel: plan.traffic.channel(ofSource: source))
            return total + Int(ledger.acknowledgedCount(ofSource: source)) * members
        }
    }

    /// Waits until all is delivered, or nothing has come for the drain time.
    private func awaitDeliveries() {
        var delivered = ledger.total(.delivered)
        var lastProgress = bench_monotonic_nanoseconds()
        while delivered < expectedDeliveries, seconds(since: lastProgress) < plan.drainSeconds {
            sleep(nanoseconds: Self.pollNanoseconds)
            let now = ledger.total(.delivered)
            if now != delivered { lastProgress = bench_monotonic_nanoseconds() }
            delivered = now
        }
    }

    private func window(
        _ pool: PublisherPool,
        _ before: Snapshot,
        _ after: Snapshot,
        expectedDeliveries: Int
    ) -> Result.Window {
        let elapsed = Double(after.nanoseconds - before.nanoseconds) / 1e9
        let untilLastDelivery =
            Double(max(ledger.lastDeliveryNanoseconds, before.nanoseconds + 1) - before.nanoseconds) / 1e9
        let deliveries = after.delivered - before.delivered
        let server = after.server - before.server
        let generator = after.generator - before.generator
        return Result.Window(
            seconds: untilLastDelivery,
            elapsedSeconds: elapsed,
            publications: pool.acknowledgedCount,
            refused: pool.refusedCount,
            deliveries: deliveries,
            expectedDeliveries: expectedDeliveries,
            deliveriesPerSecond: Double(deliveries) / untilLastDelivery,
            serverSeconds: server.seconds,
            serverMicrosecondsPerDelivery: server.seconds * 1e6 / Double(max(1, deliveries)),
            serverBusiestThreadShare: server.busiestThreadSeconds / elapsed,
            auxiliarySeconds: (after.auxiliary - before.auxiliary).seconds,
            generatorSeconds: generator.seconds,
            generatorBusiestThreadShare: generator.busiestThreadSeconds / elapsed,
            machineSeconds: after.machineSeconds - before.machineSeconds,
            latencyMicroseconds: Latencies().summary,
            acknowledgeMicroseconds: pool.acknowledgements.summary,
            latenessMicroseconds: pool.lateness.summary
        )
    }

    private func result(_ connecting: Result.Connecting, _ window: Result.Window?, _ seen: WorkerReport) -> Result {
        var window = window
        window?.latencyMicroseconds = seen.latencies.summary
        return Result(
            connections: plan.connectionCount,
            channels: plan.channelCount,
            publishers: plan.publisherCount,
            payloadBytes: plan.payloadByteCount,
            connecting: connecting,
            window: window,
            checks: seen.tally
        )
    }

    // MARK: Time

    private func seconds(since start: UInt64) -> Double { Double(bench_monotonic_nanoseconds() - start) / 1e9 }
    private func sleep(nanoseconds: UInt64) { bench_sleep_nanoseconds(nanoseconds) }
    private func sleep(seconds: Double) { bench_sleep_nanoseconds(UInt64(seconds * 1e9)) }
}

/// Everything that is compared between the start and the end of a window.
struct Snapshot {
    let nanoseconds: UInt64
    let server: ProcessCost
    let auxiliary: ProcessCost
    let generator: ProcessCost
    let machineSeconds: Double
    let delivered: Int

    init(_ servers: [Int32], _ auxiliaries: [Int32], _ generators: [Int32], _ ledger: Ledger) {
        nanoseconds = bench_monotonic_nanoseconds()
        server = ProcessCost(of: servers)
        auxiliary = ProcessCost(of: auxiliaries)
        generator = ProcessCost(of: generators)
        machineSeconds = ProcessCost.machineSeconds
        delivered = ledger.total(.delivered)
    }
}
