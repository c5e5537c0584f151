internal import CBench

/// A system call that failed.
struct SystemError: Error, CustomStringConvertible {
    let action: String
    let code: Int32

    var description: String { "cannot \(action): \(String(cString: bench_error_text(code)))" }
}

/// Passes on the result of a shim call, or throws what it failed with.
func checked(_ outcome: Int32, _ action: @autoclosure () -> String) throws -> Int32 {
    guard outcome >= 0 else { throw SystemError(action: action(), code: -outcome) }
    return outcome
}

/// A measurement that would not mean anything.
struct InvalidMeasurement: Error, CustomStringConvertible {
    let description: String
}

/// Tells the person (and the script) at the terminal where the run is; standard output carries only the result.
func report(_ progress: String) {
    var line = progress + "\n"
    line.withUTF8 { bytes in _ = bench_write(2, bytes.baseAddress!, bytes.count) }
}
