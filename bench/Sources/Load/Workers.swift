internal import CBench

/// The subscribing processes: forks of the generator, before it has opened anything.
struct Workers {
    let processes: [Int32]
    private let pipes: [Int32]

    /// Starts one process for each part of the plan's subscribers.
    init(plan: Plan, ledger: Ledger) throws {
        var processes: [Int32] = []
        var pipes: [Int32] = []
        for worker in 0..<plan.workerCount {
            var pipe: [Int32] = [0, 0]
            _ = try checked(bench_pipe(&pipe), "open a pipe")
            let process = try checked(bench_fork(), "fork")
            if process == 0 { Workers.live(plan: plan, worker: worker, ledger: ledger, pipe: pipe[1]) }
            bench_close(pipe[1])
            processes.append(process)
            pipes.append(pipe[0])
        }
        self.processes = processes
        self.pipes = pipes
    }

    /// The whole life of a worker process.
    private static func live(plan: Plan, worker: Int, ledger: Ledger, pipe: Int32) -> Never {
        bench_die_with_parent()
        do {
            try SubscriberWorker(plan: plan, worker: worker, ledger: ledger).run().write(to: pipe)
        } catch {
            report("worker \(worker): \(error)")
            bench_exit_now(1)
        }
        bench_exit_now(0)
    }

    /// Gathers what all of them saw, and waits for their end.
    func finish() throws -> WorkerReport {
        var whole = WorkerReport(tally: Tally(), latencies: Latencies())
        for pipe in pipes {
            let part = try WorkerReport.read(from: pipe)
            whole.tally = whole.tally + part.tally
            whole.latencies.add(part.latencies)
            bench_close(pipe)
        }
        for process in processes where bench_wait(process) != 0 {
            throw InvalidMeasurement(description: "worker process \(process) failed")
        }
        return whole
    }
}
