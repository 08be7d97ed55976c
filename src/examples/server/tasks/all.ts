/** Everything that the example server can run. */
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"
import * as CountdownTask from "./countdownTask.ts"
import * as FetchPageTask from "./fetchPageTask.ts"
import * as GatherTask from "./gatherTask.ts"
import type { OriginUrl } from "./HttpUrl.ts"
import { logged } from "./logged.ts"
import * as RaceMirrorsTask from "./raceMirrorsTask.ts"
import * as StubbornTask from "./stubbornTask.ts"

export const all: ReadonlyArray<TaskDefinition.Implementation<OriginUrl>> = [
  logged(FetchPageTask.implementation),
  logged(RaceMirrorsTask.implementation),
  logged(GatherTask.implementation),
  logged(CountdownTask.implementation),
  logged(StubbornTask.implementation)
]
