/**
 * Every built-in node type by its file. Written out rather than scanned: an exact list loads faster and cannot be
 * added to by a file that lies about. A test holds it against the folder.
 */
import type { NodeDefinition } from "../actors/sdk.ts";
import aiAgent from "./ai/agent.ts";
import aiAnnounce from "./ai/announce.ts";
import aiChat from "./ai/chat.ts";
import aiCollect from "./ai/collect.ts";
import aiCouncil from "./ai/council.ts";
import aiJudge from "./ai/judge.ts";
import baseDebug from "./base/debug.ts";
import baseReturn from "./base/return.ts";
import baseStart from "./base/start.ts";
import controlBreak from "./control/break.ts";
import controlContinue from "./control/continue.ts";
import controlFail from "./control/fail.ts";
import controlForEach from "./control/for_each.ts";
import controlRepeat from "./control/repeat.ts";
import controlSequence from "./control/sequence.ts";
import controlSleep from "./control/sleep.ts";
import controlSubflow from "./control/subflow.ts";
import controlWaitSignal from "./control/wait_signal.ts";
import controlWhile from "./control/while.ts";
import dataDictGet from "./data/dict_get.ts";
import dataDictHas from "./data/dict_has.ts";
import dataDictKeys from "./data/dict_keys.ts";
import dataDictMerge from "./data/dict_merge.ts";
import dataDictSet from "./data/dict_set.ts";
import dataJsonParse from "./data/json_parse.ts";
import dataJsonStringify from "./data/json_stringify.ts";
import dataListAppend from "./data/list_append.ts";
import dataListContains from "./data/list_contains.ts";
import dataListGet from "./data/list_get.ts";
import dataListLength from "./data/list_length.ts";
import dataListRange from "./data/list_range.ts";
import dataListSlice from "./data/list_slice.ts";
import dataListSum from "./data/list_sum.ts";
import dataToBool from "./data/to_bool.ts";
import dataToFloat from "./data/to_float.ts";
import dataToInt from "./data/to_int.ts";
import dataToStr from "./data/to_str.ts";
import ioFileRead from "./io/file_read.ts";
import ioFileWrite from "./io/file_write.ts";
import ioHttpRequest from "./io/http_request.ts";
import ioNatsPublish from "./io/nats_publish.ts";
import ioNatsRequest from "./io/nats_request.ts";
import logicAnd from "./logic/and.ts";
import logicBranch from "./logic/branch.ts";
import logicCompare from "./logic/compare.ts";
import logicIfElse from "./logic/if_else.ts";
import logicNot from "./logic/not.ts";
import logicOr from "./logic/or.ts";
import logicSwitch from "./logic/switch.ts";
import mathAbs from "./math/abs.ts";
import mathAdd from "./math/add.ts";
import mathCeil from "./math/ceil.ts";
import mathDivide from "./math/divide.ts";
import mathFloor from "./math/floor.ts";
import mathMax from "./math/max.ts";
import mathMin from "./math/min.ts";
import mathModulo from "./math/modulo.ts";
import mathMultiply from "./math/multiply.ts";
import mathPower from "./math/power.ts";
import mathRound from "./math/round.ts";
import mathSubtract from "./math/subtract.ts";
import stringConcat from "./string/concat.ts";
import stringContains from "./string/contains.ts";
import stringEndsWith from "./string/ends_with.ts";
import stringFormat from "./string/format.ts";
import stringJoin from "./string/join.ts";
import stringLength from "./string/length.ts";
import stringLower from "./string/lower.ts";
import stringReplace from "./string/replace.ts";
import stringSplit from "./string/split.ts";
import stringStartsWith from "./string/starts_with.ts";
import stringTrim from "./string/trim.ts";
import stringUpper from "./string/upper.ts";
import variablesDelete from "./variables/delete.ts";
import variablesExists from "./variables/exists.ts";
import variablesGet from "./variables/get.ts";
import variablesIncrement from "./variables/increment.ts";
import variablesList from "./variables/list.ts";
import variablesSet from "./variables/set.ts";

/** By path without extension, relative to this folder: `math/add`. */
export const builtinNodes: Readonly<Record<string, NodeDefinition>> = {
  "ai/agent": aiAgent,
  "ai/announce": aiAnnounce,
  "ai/chat": aiChat,
  "ai/collect": aiCollect,
  "ai/council": aiCouncil,
  "ai/judge": aiJudge,
  "base/debug": baseDebug,
  "base/return": baseReturn,
  "base/start": baseStart,
  "control/break": controlBreak,
  "control/continue": controlContinue,
  "control/fail": controlFail,
  "control/for_each": controlForEach,
  "control/repeat": controlRepeat,
  "control/sequence": controlSequence,
  "control/sleep": controlSleep,
  "control/subflow": controlSubflow,
  "control/wait_signal": controlWaitSignal,
  "control/while": controlWhile,
  "data/dict_get": dataDictGet,
  "data/dict_has": dataDictHas,
  "data/dict_keys": dataDictKeys,
  "data/dict_merge": dataDictMerge,
  "data/dict_set": dataDictSet,
  "data/json_parse": dataJsonParse,
  "data/json_stringify": dataJsonStringify,
  "data/list_append": dataListAppend,
  "data/list_contains": dataListContains,
  "data/list_get": dataListGet,
  "data/list_length": dataListLength,
  "data/list_range": dataListRange,
  "data/list_slice": dataListSlice,
  "data/list_sum": dataListSum,
  "data/to_bool": dataToBool,
  "data/to_float": dataToFloat,
  "data/to_int": dataToInt,
  "data/to_str": dataToStr,
  "io/file_read": ioFileRead,
  "io/file_write": ioFileWrite,
  "io/http_request": ioHttpRequest,
  "io/nats_publish": ioNatsPublish,
  "io/nats_request": ioNatsRequest,
  "logic/and": logicAnd,
  "logic/branch": logicBranch,
  "logic/compare": logicCompare,
  "logic/if_else": logicIfElse,
  "logic/not": logicNot,
  "logic/or": logicOr,
  "logic/switch": logicSwitch,
  "math/abs": mathAbs,
  "math/add": mathAdd,
  "math/ceil": mathCeil,
  "math/divide": mathDivide,
  "math/floor": mathFloor,
  "math/max": mathMax,
  "math/min": mathMin,
  "math/modulo": mathModulo,
  "math/multiply": mathMultiply,
  "math/power": mathPower,
  "math/round": mathRound,
  "math/subtract": mathSubtract,
  "string/concat": stringConcat,
  "string/contains": stringContains,
  "string/ends_with": stringEndsWith,
  "string/format": stringFormat,
  "string/join": stringJoin,
  "string/length": stringLength,
  "string/lower": stringLower,
  "string/replace": stringReplace,
  "string/split": stringSplit,
  "string/starts_with": stringStartsWith,
  "string/trim": stringTrim,
  "string/upper": stringUpper,
  "variables/delete": variablesDelete,
  "variables/exists": variablesExists,
  "variables/get": variablesGet,
  "variables/increment": variablesIncrement,
  "variables/list": variablesList,
  "variables/set": variablesSet,
};
