#if !THREAD_SANITIZER
package import Synchronization

/// A value that one thread at a time may touch: `Synchronization.Mutex`, except under ThreadSanitizer.
package typealias Lock = Mutex

#else

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// A value that one thread at a time may touch.
///
/// ThreadSanitizer follows the locks of pthreads, but not the futex that `Synchronization.Mutex` is made of: it would take
/// every value behind one for a race. So in its build alone (`deploy/test --sanitize thread`) a lock is a pthread's.
/// Unchecked, for what makes it safe is that the value is reached behind the lock alone, which the compiler cannot see: `value` is
/// private, and touched in `withLock` between the two calls of pthreads, in `init` before anybody else has the lock, and in `deinit` when
/// nobody has it any more. What comes in and goes out is `sending`, as with `Mutex`. And ThreadSanitizer, for whose build alone this is,
/// would see it otherwise.
package final class Lock<Value: ~Copyable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

    package init(_ initial: consuming sending Value) {
        pthread_mutex_init(mutex, nil)
        value.initialize(to: initial)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    package func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        // The lock is what isolates it; the compiler cannot know.
        nonisolated(unsafe) let value = value
        return try body(&value.pointee)
    }
}
#endif
