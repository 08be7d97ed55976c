/**
 * The calls of the task server, each a POST or GET of JSON: what goes in, what comes out. The routes and both clients
 * are written against these schemas.
 */
import * as Schema from "effect/Schema"
import { CancelResult } from "../../../fibers/CancelResult.ts"
import { NewTask, TaskId, TaskView } from "../AgentTask.ts"
import { AgentTaskEvent } from "../AgentTaskEvent.ts"
import { CancelCall, CancelItem, Mode, Order } from "../AgentTasks.ts"
import { Assignment, Pulse, Receipt, Report, Run } from "../workerMessages.ts"

/** Who calls. In a real service this comes from authentication. */
export const callerHeader = "x-agent"

/** The longest batch. */
const most = 10_000
const ids = Schema.Array(TaskId).check(Schema.isMaxLength(most))

export const Submit = Schema.Struct({ tasks: Schema.Array(NewTask).check(Schema.isMaxLength(most)) })
export const Views = Schema.Struct({ tasks: Schema.Array(TaskView) })
export const Events = Schema.Struct({ events: Schema.Array(AgentTaskEvent) })
export const Ids = Schema.Struct({ ids })

/** After `withinMillis` (default and at most 20 seconds) it answers with what there is, to be asked again. */
export const Wait = Schema.Struct({
  ids,
  mode: Mode,
  withinMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 })))
})
export const Waited = Schema.Struct({ met: Schema.Boolean, tasks: Schema.Array(TaskView) })

export const Cancel = CancelCall
export const Cancelled = CancelResult
export const CancelMany = Schema.Struct({ ids, ...CancelCall.fields, order: Schema.optionalKey(Order) })
export const CancelledMany = Schema.Struct({ results: Schema.Array(CancelItem) })

export const Claim = Schema.Struct({ max: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })) })
export const Claimed = Schema.Struct({ assignments: Schema.Array(Assignment) })
export const Heartbeat = Schema.Struct({ runs: Schema.Array(Run).check(Schema.isMaxLength(most)) })
export const Beaten = Pulse
export const Reported = Schema.Struct({ receipt: Receipt })
export { Report }

/** So long a worker may be silent. */
export const About = Schema.Struct({ leaseMillis: Schema.Finite })
export const Nothing = Schema.Struct({})
