// The kept switch between light and dark. The server writes it into the page, so nothing flashes.

(() => {
  "use strict";
  const select = document.getElementById("look");

  select.addEventListener("change", () => {
    const look = select.value;
    document.cookie = `look=${look}; path=/; max-age=31536000; samesite=lax`;
    if (look === "auto") delete document.documentElement.dataset.look;
    else document.documentElement.dataset.look = look;
    for (const chat of document.querySelectorAll("segue-chat")) chat.setAttribute("theme", look);
  });
})();
