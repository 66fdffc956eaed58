import { any, defineNode, z } from "../../actors/sdk.ts";
import { checkSubject } from "./_subject.ts";

export default defineNode({
  type: "io_nats_publish",
  title: "NATS publish",
  category: "io",
  description: "Publishes the payload as JSON to a subject (core NATS: nobody says whether someone listened).",
  inputs: { payload: any() },
  config: z.object({ subject: z.string().min(1) }),
  run({ inputs, config, ctx }) {
    checkSubject(config.subject);
    ctx.resources.publish(config.subject, new TextEncoder().encode(JSON.stringify(inputs.payload)));
  },
});
