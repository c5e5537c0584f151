internal import CReactor

/// Starts the thread in which a reactor is made and run.
public enum ReactorThread {
    private final class Body {
        let name: String
        let niceness: Int32
        let run: @Sendable () -> Void

        init(name: String, niceness: Int32, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.niceness = niceness
            self.run = run
        }
    }

    /// How far a thread gives way that serves those who come, and not those who are there: it has a tenth of what another gets while both
    /// want the same processor, and all that others leave. A thousand clients who waited for a silent backend had delivery wait for 17 ms
    /// on one processor, at the 99th percentile (`bench/run --case silent-hook`).
    public static let givingWay: Int32 = 10

    /// Starts a detached thread.
    ///
    /// - Parameters:
    ///   - name: what debuggers and `top -H` show; at most 15 bytes on Linux.
    ///   - niceness: as nice(1) has it.
    ///   - run: the thread's whole life. It captures only what may cross threads.
    public static func start(
        name: String,
        niceness: Int32 = 0,
        _ run: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let body = Unmanaged.passRetained(Body(name: name, niceness: niceness, run: run))
        let result = creactor_thread_start(
            { context in
                // bounded: what is handed over two lines below
                let body = Unmanaged<Body>.fromOpaque(context!).takeRetainedValue()
                creactor_thread_name(body.name)
                if body.niceness != 0 { creactor_thread_niceness(body.niceness) }
                body.run()
                return nil
            },
            body.toOpaque()
        )
        guard result == 0 else {
            body.release()
            throw SystemError(call: "pthread_create", result: Int(result))
        }
    }
}
