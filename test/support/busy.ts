/**
 * What a bound in real time may be on this machine now. Load only adds time, so a bound that the code must keep on a
 * quiet machine is stretched by as much as the processors are wanted more than once; a quiet machine stretches nothing.
 * For the few laws that are about real milliseconds: all else waits for a condition, without a bound of its own.
 */
import * as os from "node:os"

export const whenBusy = (millis: number): number => millis * Math.max(1, os.loadavg()[0]! / os.availableParallelism())
