internal import CReactor

/// Starts the thread in which a reactor is made and run.
public enum ReactorThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a detached thread.
    ///
    /// - Parameters:
    ///   - name: what debuggers and `top -H` show; at most 15 bytes on Linux.
    ///   - run: the thread's whole life. It captures only what may cross threads.
    public static func start(name: String, _ run: @escaping @Sendable () -> Void) throws(SystemError) {
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        let result = creactor_thread_start(
            { context in
                // bounded: what is handed over two lines below
                let body = Unmanaged<Body>.fromOpaque(context!).takeRetainedValue()
                creactor_thread_name(body.name)
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
