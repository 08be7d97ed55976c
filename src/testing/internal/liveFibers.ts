/** How many fibers live below a context that has it: Effect tells it of each that starts and ends. */
import type * as Metric from "effect/Metric"

export class LiveFibers implements Metric.FiberRuntimeMetricsService {
  count = 0

  readonly recordFiberStart = (): void => {
    this.count++
  }

  readonly recordFiberEnd = (): void => {
    this.count--
  }
}
