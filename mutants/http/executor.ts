/** Breaks of agents under the SDK's own handler (S2, and E1 to E11 of what that handler gets wrong). */
import type { Mutant } from "../Mutant.ts"

const tests = ["test/http/a2a/AgentExecutor.test.ts"]
const failures = ["test/http/a2a/sdkFailures.test.ts"]
const outbox = "src/http/a2a/internal/outbox.ts"
const buses = "src/http/a2a/internal/taskBuses.ts"
const executing = "src/http/a2a/internal/executing.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a turn under the SDK's handler begins without the task",
    law: "S2x-09",
    file: outbox,
    find: 'this.publish({ kind: "task", data: task })',
    replace: "void task",
    tests
  },
  {
    name: "a listener that cancels gets the end before what was there",
    law: "S2x-01",
    file: outbox,
    find: "visible === undefined || this.flushing",
    replace: "visible === undefined",
    tests
  },
  {
    name: "a cancel in the step that publishes the task is missed by who waits",
    law: "S2-14",
    file: executing,
    find: "        const ended = outbox.turnEnd()\n        outbox.begin(visible, bus)\n        return ended",
    replace: "        outbox.begin(visible, bus)\n        return outbox.turnEnd()",
    tests
  },
  {
    name: "a bus that throws stops the executor",
    law: "S2-40",
    file: outbox,
    find: "  } catch (error) {\n    report(error)\n  }",
    replace: "  } catch (error) {\n    report(error)\n    throw error\n  }",
    tests: ["test/http/a2a/cancellation.test.ts"]
  },
  {
    name: "a listener that throws stops the others",
    law: "S2-12",
    file: buses,
    find: "      } catch (error) {\n        this.report(error)",
    replace: "      } catch (error) {\n        this.report(error)\n        throw error",
    tests
  },
  {
    name: "a cancel before execute is forgotten",
    law: "S2-55",
    file: executing,
    find: "onSuccess: (started) => Task.cancel(started, options)",
    replace: "onSuccess: (started) => Effect.as(Effect.void, started)",
    tests
  },
  {
    name: "a turn does not look whether it was cancelled before",
    law: "S2-55",
    file: executing,
    find: "if (handle !== undefined) return this.remembered(handle, request, bus)",
    replace: "",
    tests
  },
  {
    name: "who cancels stores the pieces too",
    law: "S2-21",
    file: buses,
    find: "if (ends || !view.endOnly) view.deliver(event)",
    replace: "view.deliver(event)",
    tests: failures
  },
  {
    name: "a piece is appended by two on a bus that is not ours",
    law: "S2-21",
    file: executing,
    find: "if (!(bus instanceof TaskBus)) outbox.storedTwice = true",
    replace: "",
    tests
  },
  {
    name: "a piece is appended by two streams of one task",
    law: "S2-21",
    file: executing,
    find: "if (outbox.busy) outbox.storedTwice = true",
    replace: "",
    tests
  },
  {
    name: "the bus of a task that was cancelled at a question stays",
    law: "S2x-11",
    file: buses,
    find: "if (ends) this.channel.over = true",
    replace: "",
    tests: failures
  },
  {
    name: "who cancels behind the end hears nothing",
    law: "S2x-08",
    file: executing,
    find: "if (final !== undefined) this.tell(bus, final)",
    replace: "void final",
    tests
  },
  {
    name: "a bus that cancels whenever it hears something is told for ever",
    law: "S2-12",
    file: executing,
    find: "if (this.telling) return",
    replace: "",
    tests
  },
  {
    name: "a message that nobody asked for is taken",
    law: "S2x-09",
    file: executing,
    find: "!execution.visible.over && execution.visible.question === undefined",
    replace: "false",
    tests
  },
  {
    name: "the scope of an executor closes over running tasks",
    law: "K45",
    file: executing,
    find: "yield* Task.cancelAll(handles, { ...this.agent.cancel, reason: CancelReason.scopeClosed() })",
    replace: "void handles",
    tests
  },
  {
    name: "a task that was lost with its process starts anew",
    law: "S1x-02",
    file: executing,
    find: "return isUnderWay(request.task) ? this.end(request, bus, lost) : this.start(request, bus)",
    replace: "return this.start(request, bus)",
    tests
  },
  {
    name: "what is stored of a lost task is written over",
    law: "S1x-02",
    file: executing,
    find: "request.task === undefined ? visible.snapshot() : { ...request.task, status: visible.status }",
    replace: "visible.snapshot()",
    tests
  },
  {
    name: "a cancel without an id is a cancel of a task without one",
    law: "S2-11 S2-37",
    file: executing,
    find: 'if (taskId.trim() === "") return Effect.logWarning',
    replace: 'if (taskId === "-") return Effect.logWarning',
    tests
  }
]
