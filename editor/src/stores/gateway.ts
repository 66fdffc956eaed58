/** The one client that the editor speaks to its server with. */
import { createClient } from "../api/client.ts";
import { useSettings } from "./settings-store.ts";

export const api = createClient({ token: () => useSettings.getState().token });
