import { fanOutCases } from "./fanOut/fanOut.ts"
import { memoryCase } from "./fanOut/memory.ts"
import type { HttpCase } from "./HttpCase.ts"
import { requestsCase } from "./requests/requests.ts"

export const httpCases: ReadonlyArray<HttpCase> = [...fanOutCases, memoryCase, requestsCase]
