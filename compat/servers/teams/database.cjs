// Stands for the tables of a database.
const teams = { ann: ['red', 'blue'], bob: ['blue'] };

exports.findTeams = async (user) => teams[user];
