internal import Reactor

/// Runs what is asynchronous on threads of its own, one for each step. Swift's own pool has a thread for each processor, and a program
/// around a node may keep them all busy: then keys would not be there for as long. Once an hour for each set of keys.
final class OwnThreads: TaskExecutor {
    static let shared = OwnThreads()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        do throws(SystemError) {
            try ReactorThread.start(name: "keys", niceness: ReactorThread.givingWay) {
                job.runSynchronously(on: executor)
            }
        } catch {
            // There is no thread to be had: it takes a millisecond of this one.
            job.runSynchronously(on: executor)
        }
    }
}
