import { useState } from "react";
import { useCatalog } from "../stores/catalog-store.ts";
import { changeSettings, useSettings } from "../stores/settings-store.ts";
import { Dialog } from "./dialog.tsx";

/** The server wants a bearer token. */
export function TokenDialog({ close }: { readonly close: () => void }) {
  const [token, setToken] = useState(useSettings.getState().token ?? "");
  const use = () => {
    changeSettings({ token: token.trim() === "" ? undefined : token.trim() });
    close();
    void useCatalog.getState().load();
  };
  return (
    <Dialog
      title="This server wants a token"
      size="small"
      onClose={close}
      footer={
        <button type="button" className="button button-primary" onClick={use}>
          Use it
        </button>
      }
    >
      <label className="stack">
        Token
        <input
          type="password"
          className="field"
          autoComplete="current-password"
          autoFocus
          value={token}
          onChange={(event) => setToken(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") use();
          }}
        />
      </label>
      <p className="quiet">The one that the gateway was started with. It is kept in this browser.</p>
    </Dialog>
  );
}
