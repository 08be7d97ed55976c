/** Bridges: promises and callbacks, Node's resources, threads, processes, code outside of Effect. */
import type { Mutant } from "../Mutant.ts"

const call = "src/fibers/internal/foreignCall.ts"
const api = "src/fibers/Bridge.ts"
const late = "src/fibers/internal/lateRejections.ts"
const stop = "src/fibers/internal/forcedStop.ts"
const held = "src/fibers/internal/heldResource.ts"
const readable = "src/fibers/internal/heldReadable.ts"
const resource = "src/fibers/NodeResource.ts"
const script = "src/fibers/internal/runningScript.ts"
const worker = "src/fibers/KillableWorker.ts"
const running = "src/fibers/internal/runningTask.ts"

const bridge = "test/fibers/Bridge.test.ts"
const resources = "test/fibers/NodeResource.test.ts"
const workers = "test/fibers/KillableWorker.test.ts"
const runner = "test/fibers/TaskRunner.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "the signal given to a promise does not abort",
    law: "K20 K41",
    file: call,
    find: "    this.controller.abort(new CancelAbortError(this.request.reason))\n",
    replace: "    void CancelAbortError\n",
    tests: [bridge]
  },
  {
    name: "the abort of a promise carries no reason",
    law: "K20",
    file: call,
    find: "this.controller.abort(new CancelAbortError(this.request.reason))",
    replace: "(void CancelAbortError, this.controller.abort())",
    tests: [bridge]
  },
  {
    name: "an interrupt does not wait for a promise to settle",
    law: "K41",
    file: call,
    find: "const ended = wait ? this.awaitOver : Effect.void",
    replace: "const ended = wait && this.over ? this.awaitOver : Effect.void",
    tests: [bridge]
  },
  {
    name: "an abandoned promise is not listed",
    law: "K41 K45",
    file: call,
    find: "Context.get(this.context, Stragglers).add(this.straggler)",
    replace: "void Stragglers",
    tests: [bridge]
  },
  {
    name: "an abandoned promise stays listed when it has settled",
    law: "K41 K45",
    file: call,
    find: "if (this.straggler !== undefined) Context.get(this.context, Stragglers).delete(this.straggler)\n",
    replace: "",
    tests: [bridge]
  },
  {
    name: "a late value is dropped",
    law: "K41",
    file: call,
    find: "if (onLate === undefined || this.taken) return this.end()",
    replace: "return this.end()",
    tests: [bridge]
  },
  {
    name: "a late value is handed on twice",
    law: "K41",
    file: call,
    find: "    if (this.answer !== undefined) return\n    this.answer = answer\n",
    replace: "    this.answer = answer\n",
    tests: [bridge]
  },
  {
    name: "a value that the interrupt took on its way is lost",
    law: "K41",
    file: call,
    find: "    if (answered) this.late()\n",
    replace: "    if (answered) this.end()\n",
    tests: [bridge, "test/fibers/Bridge.random.test.ts"]
  },
  {
    name: "what fails while a late value is closed is told nowhere",
    law: "K16 K41",
    file: call,
    find: 'if (exit._tag === "Failure") this.node.cleanupFailed(this.options.name, exit.cause, this.context)\n',
    replace: "",
    tests: [bridge]
  },
  {
    name: "a late rejection is not counted",
    law: "K41",
    file: call,
    find: "if (!answersAbort(rejection, this.signal.reason)) lateRejections.updateUnsafe(1, this.context)",
    replace: "void [answersAbort, lateRejections, rejection]",
    tests: [bridge]
  },
  {
    name: "a rejection that only answers the abort is counted as late",
    law: "K41",
    file: late,
    find: "if (rejection === abort) return true\n",
    replace: "if (rejection === abort) return false\n",
    tests: [bridge]
  },
  {
    name: "a promise function that throws leaves its caller waiting",
    law: "K41",
    file: api,
    find: "  } catch (error) {\n    reject(error)\n  }",
    replace: "  } catch {}",
    tests: [bridge]
  },
  {
    name: "the clean-up of a callback does not run",
    law: "K15 K41",
    file: call,
    find: "return cleanUp === undefined ? ended : Effect.andThen(cleanUp, ended)",
    replace: "return ended",
    tests: [bridge]
  },
  {
    name: "what is used is stopped twice",
    law: "K15",
    file: stop,
    find: "      if (this.begun) return Deferred.await(this.done)\n",
    replace: "",
    tests: [bridge, resources]
  },
  {
    name: "a failed stop is told nowhere",
    law: "K16",
    file: stop,
    find: "Effect.sync(() => node.cleanupFailed(this.name, cause, fiber.context))",
    replace: "Effect.sync(() => void [node, cause])",
    tests: [bridge, resources]
  },
  {
    name: "what a blocked call fails with because it was stopped is a failure of the user",
    law: "K9",
    file: stop,
    find: "stopping.forced && Exit.isFailure(exit) && !Cause.hasDies(exit.cause) ? Effect.interrupt : exit",
    replace:
      "stopping.forced && Cause.hasDies(Exit.isFailure(exit) ? exit.cause : Cause.empty) ? Effect.interrupt : exit",
    tests: [bridge, resources]
  },
  {
    name: "listeners stay on a resource that has closed",
    law: "K42",
    file: held,
    find: "    this.closed = true\n    this.release()\n",
    replace: "    this.closed = true\n",
    tests: [resources]
  },
  {
    name: "a server leaves its connections open",
    law: "K45",
    file: held,
    find: "        connection.destroy?.(error)\n",
    replace: "",
    tests: [resources]
  },
  {
    name: "a resource is destroyed without the reason",
    law: "K20",
    file: resource,
    find: "held.destroy(reason === undefined ? undefined : new CancelAbortError(reason))",
    replace: "held.destroy(reason === undefined ? undefined : (void CancelAbortError, undefined))",
    tests: [resources]
  },
  {
    name: "a resource counts as closed when it was told",
    law: "K1",
    file: held,
    find: "if (this.closed) return this.settled\n      const told",
    replace: "if (this.closed || this.destroyed) return this.settled\n      const told",
    tests: [resources]
  },
  {
    name: "what a resource says to its end is dropped",
    law: "K16",
    file: held,
    find: "if (error !== this.told) this.lateErrors.push(error)",
    replace: "if (error === this.told) this.lateErrors.push(error)",
    tests: [resources]
  },
  {
    name: "a resource that does not close is not listed",
    law: "K45",
    file: resource,
    find: "    stragglers.add(straggler)\n",
    replace: "",
    tests: [resources]
  },
  {
    name: "a resource that closed late stays listed",
    law: "K45",
    file: resource,
    find: "      stragglers.delete(straggler)\n",
    replace: "",
    tests: [resources]
  },
  {
    name: "a readable that closed before its end ends well",
    law: "K9",
    file: readable,
    find: 'if (this.closed) return Effect.fail(failWith(new Error("The readable was closed before its end")))',
    replace: "if (this.closed) return Cause.done()",
    tests: [resources]
  },
  {
    name: "an event between the look and the wait is missed",
    law: "K41",
    file: readable,
    find: "if (this.changes !== seen) return resume(Effect.void)\n",
    replace: "",
    tests: [resources, "test/fibers/NodeResource.random.test.ts"]
  },
  {
    name: "a script is terminated before its budget is over",
    law: "K42",
    file: script,
    find: "yield* Effect.timeoutOption(Deferred.await(this.over), Duration.millis(left))",
    replace: "yield* Effect.timeoutOption(Deferred.await(this.over), Duration.millis(left * 0))",
    tests: [workers]
  },
  {
    name: "a script is told twice",
    law: "K42",
    file: script,
    find: "if (this.toldAt !== undefined || this.ended !== undefined) return\n",
    replace: "if (this.ended !== undefined) return\n",
    tests: [workers, "test/fibers/KillableWorker.random.test.ts"]
  },
  {
    name: "a frozen script is not terminated",
    law: "K42",
    file: script,
    find: "      this.thread.terminate()\n",
    replace: "",
    tests: [workers]
  },
  {
    name: "a cancel does not wait for the thread to end",
    law: "K1 K42",
    file: script,
    find: "      yield* Deferred.await(this.gone)\n",
    replace: "",
    tests: ["test/fibers/KillableWorker.random.test.ts"]
  },
  {
    name: "what a script returned after the cancel is dropped",
    law: "K12 K26",
    file: worker,
    find: 'if (ended._tag === "Done") node.salvage("worker", ended.value)',
    replace: "",
    tests: [workers]
  },
  {
    name: "what a script threw after the cancel is dropped",
    law: "K16",
    file: worker,
    find: 'if (ended._tag === "Failed") {',
    replace: 'if (ended._tag === "Stopped" && script === "") {',
    tests: [workers]
  },
  {
    name: "a script hears of a request only at the end of the grace",
    law: "K12 K42",
    file: worker,
    find: 'else signal.addEventListener("abort", tell)',
    replace: "",
    tests: [workers]
  },
  {
    name: "a cancelled promise is rejected without the reason",
    law: "K20",
    file: running,
    find: "Cancelled: ({ reason }) => reject(new CancelAbortError(reason))",
    replace: "Cancelled: ({ reason }) => reject(new Error(reason.message))",
    tests: [runner]
  },
  {
    name: "a rejection that nobody looks at ends the process",
    law: "K41",
    file: running,
    find: "    this.catch(() => {})\n",
    replace: "",
    tests: [runner]
  },
  {
    name: "a runner's drain lets every task finish, however it was started",
    law: "K37",
    file: "src/fibers/TaskRunner.ts",
    find: 'if (options?.onShutdown === "cancel") TaskRecord',
    replace: "if (options?.onShutdown === undefined) TaskRecord",
    tests: [runner]
  }
]
