import CLibFuzzer
import Foundation
import FuzzChecks

// One decoder under the compiler's own fuzzer. Which one is said by FUZZ_DECODER and not by an argument, since the fuzzer starts
// itself anew with arguments of its own where it makes an input smaller or merges directories. Without, their names.

let targets = try await FuzzTarget.all()
let name = ProcessInfo.processInfo.environment["FUZZ_DECODER"]
guard let target = targets.first(where: { $0.name == name }) else {
    print(targets.map(\.name).joined(separator: "\n"))
    exit(name == nil ? 0 : 64)
}
Chosen.check = { try target.checkNow($0) }

var count = CommandLine.argc
var arguments = Optional(CommandLine.unsafeArgv)
exit(LLVMFuzzerRunDriver(&count, &arguments) { checkOne($0, $1) })
