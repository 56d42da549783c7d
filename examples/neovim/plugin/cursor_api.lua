-- Starts the plug-in when there is a key; `require("cursor_api").setup{…}` does it by hand.
if vim.g.loaded_cursor_api then
  return
end
vim.g.loaded_cursor_api = true

if vim.fn.has("nvim-0.10") == 0 then
  vim.notify("cursor_api needs Neovim 0.10 or newer", vim.log.levels.WARN)
  return
end

vim.api.nvim_create_user_command("CursorApi", function(command)
  require("cursor_api").command(command.args)
end, {
  nargs = 1,
  complete = function()
    return { "enable", "disable", "complete", "dismiss" }
  end,
  desc = "Code completion through cursor-api",
})

if vim.g.cursor_api or vim.env.CURSOR_API_KEY then
  require("cursor_api").setup(vim.g.cursor_api or {})
end
